"""What auditors are shown of the log."""

from pydantic import Field

from api.feed_schemas import MESSAGE_EXAMPLE, FeedMessage
from api.shown import Documented, example


class AuditLogPage(Documented):
    """A page of the log in the order of learning."""

    model_config = example(head_position=42, items=[MESSAGE_EXAMPLE], next_cursor=None)

    head_position: int = Field(description="the newest position of the whole log")
    items: list[FeedMessage] = Field(
        description="as on the feed; positions left out are notices to people"
    )
    next_cursor: str | None
