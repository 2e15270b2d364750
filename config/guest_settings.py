"""Settings of the guest list: who may be written to outside production."""

from urllib.parse import urlsplit

from pydantic import field_validator

from config.fields import Section, setting


class GuestSettings(Section):
    """Outside production only guests are written to; catchers and receivers on this machine take all."""

    places: tuple[str, ...] = setting(
        (),
        "addresses, numbers, push topics and receivers of webhooks that may be written to outside"
        " production; `@example.org`: every mailbox there; of a receiver its host (`hooks.example.org`)"
        " or the webhook's whole URL",
    )

    @field_validator("places")
    @classmethod
    def _places_are_places(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if value != value.strip() or not value.strip("@ ") or not _names_a_host(value):
                raise ValueError(
                    "give places such as ana@example.org, @example.org, +15550100123, hooks.example.org"
                )
        return values


def _names_a_host(place: str) -> bool:
    """A URL without one would be nobody's."""
    try:
        return not place.startswith(("http://", "https://")) or bool(urlsplit(place).hostname)
    except ValueError:
        return False
