"""Where a mail's foot leads: to what one is told and where, and to no more mail at all."""

from typing import Final, NamedTuple

SETTINGS_PATH: Final = "/#/inbox/settings"


class WaysOut(NamedTuple):
    """Addresses in full; `unsubscribe` None: nothing more would come there anyway."""

    settings: str
    unsubscribe: str | None


def ways_out(public_url: str | None, unsubscribe: str | None) -> WaysOut | None:
    """None: the deployment has no address that people reach."""
    if public_url is None:
        return None
    return WaysOut(public_url + SETTINGS_PATH, unsubscribe)
