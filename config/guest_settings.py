"""Settings of the guest list: who may be written to outside production."""

from pydantic import field_validator

from config.fields import Section, setting


class GuestSettings(Section):
    """Outside production only guests are written to; a provider on this machine, a catcher, takes all."""

    places: tuple[str, ...] = setting(
        (),
        "addresses, numbers and push topics that may be written to outside production; `@example.org`:"
        " everybody there",
    )

    @field_validator("places")
    @classmethod
    def _places_are_places(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if value != value.strip() or not value.strip("@ "):
                raise ValueError("give places such as ana@example.org, @example.org, +15550100123")
        return values
