"""13 How an attempt ended: the far side's receipt or an error, told apart from what follows from it.

In: what a channel brought back. Out: the outcome, a reason to filter by, the columns of `attempt`.
Next: attempts.py writes them, retry.py decides.
"""

import re
from dataclasses import dataclass
from typing import Any

from notifier.channels.channel import Receipt
from notifier.errors import DeliveryError
from notifier.retry import Outcome, outcome_of

# Phases of an attempt: nothing has left, and after the hand-off mark.
PREPARING = "preparing"
SENDING = "sending"
DEFECT_REASON = "defect"

_WORD_STARTS = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The end of one attempt. `ended_at`: microseconds. `cost`: as the attempt has it, in millionths."""

    phase: str
    provider: str
    worker: str
    ended_at: int
    answer: Receipt | Exception
    cost: int = 0

    @property
    def outcome(self) -> Outcome:
        """What it comes to; a defect after the hand-off leaves the letter's fate unknown."""
        if isinstance(self.answer, Receipt):
            return Outcome.ACCEPTED
        outcome = outcome_of(self.answer)
        if outcome is Outcome.DEFECT and self.phase == SENDING:
            return Outcome.UNKNOWN
        return outcome

    @property
    def reason(self) -> str | None:
        """The fault in one word, as operators filter by it: `destination_rejected`, `defect`."""
        if isinstance(self.answer, Receipt):
            return None
        if not isinstance(self.answer, DeliveryError):
            return DEFECT_REASON
        return _WORD_STARTS.sub("_", type(self.answer).__name__).lower()

    @property
    def receipt_id(self) -> str | None:
        """The provider's id of what it took."""
        return self.answer.provider_message_id if isinstance(self.answer, Receipt) else None

    @property
    def retry_after_seconds(self) -> int | None:
        """The wait that the provider named."""
        return getattr(self.answer, "retry_after_seconds", None)

    def columns(self) -> dict[str, Any]:
        """As `attempt` keeps it. A defect's own text may quote anything: only its kind is kept."""
        return {
            "result": self.outcome.value,
            "status_code": getattr(self.answer, "status_code", None),
            "enhanced_code": getattr(self.answer, "enhanced_code", None),
            "detail": getattr(self.answer, "detail", type(self.answer).__name__),
            "retry_after_seconds": self.retry_after_seconds,
            "provider_message_id": self.receipt_id,
            "ended_at": self.ended_at,
        }
