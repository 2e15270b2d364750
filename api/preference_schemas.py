"""What people want to be told, as they read and write it."""

from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from api.shown import Documented
from notifier.preferences import (
    CHANNELS,
    CHOSEN_KINDS,
    EVENING,
    Preferences,
    Quiet,
    clock_of,
    minutes_of,
    zone_of,
)

ON: Final = "on"
DIGEST: Final = "digest"
OFF: Final = "off"
Switch = Literal["on", "digest", "off"]
Channel = Literal["email", "push", "sms"]
_EXAMPLE: Final[dict[str, Any]] = {
    "language": "pt-BR",
    "time_zone": "America/Sao_Paulo",
    "quiet_hours": {"starts": "22:00", "ends": "07:00"},
    "urgent_pauses": True,
    "pauses_only": False,
    "one_by_one": True,
    "order": ["push", "sms", "email"],
    "digest_at": "18:00",
    "kinds": {"paused": {"email": "digest", "push": "on", "sms": "on"}},
}


def _zone(name: str) -> str:
    zone_of(name)
    return name


def _clock(text: str) -> str:
    minutes_of(text)
    return text


Clock = Annotated[str, AfterValidator(_clock)]


class QuietHours(Documented):
    """When no SMS or push rings, by the wall clock of `time_zone`; may go over midnight."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"starts": "22:00", "ends": "07:00"}]}
    )

    starts: Clock
    ends: Clock

    @model_validator(mode="after")
    def _some_of_the_day(self) -> Self:
        if self.starts == self.ends:
            raise ValueError("starts and ends are the same: give null for no quiet hours")
        return self


class MyPreferences(Documented):
    """What an account wants to be told outside its inbox; what is left out is as by default."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    language: Annotated[
        str,
        Field(
            pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
            max_length=35,
            description="a tag such as en or pt-BR; the nearest language that we speak is used",
        ),
    ] = "en"
    time_zone: Annotated[
        str,
        AfterValidator(_zone),
        Field(
            max_length=64, description="IANA name, of times in words, quiet hours and the digest"
        ),
    ] = "UTC"
    quiet_hours: QuietHours | None = Field(
        None, description="what would ring waits until they are over; email and inbox do not wait"
    )
    urgent_pauses: bool = Field(
        default=False,
        description="consent that pauses ring in quiet hours too, and do not wait for the digest",
    )
    pauses_only: bool = Field(
        default=False, description="nothing but pauses, and reminders of them, leaves the inbox"
    )
    one_by_one: bool | None = Field(
        None,
        description="tell me on one channel at a time: the next one when one fails, or when news that"
        " matters stays unread; false: on all at once; null: as this deployment does",
    )
    order: list[Channel] = Field(
        default_factory=list,
        max_length=3,
        description="my channels, the most wanted first; those left out come last: push, email, sms",
    )
    digest_at: Clock = Field(
        clock_of(EVENING),
        description="when what is told once a day leaves, by the wall clock of `time_zone`; where quiet"
        " hours keep it from ringing, at their end",
    )
    kinds: dict[str, dict[str, Switch]] = Field(
        default_factory=dict,
        description=f"on (at once), digest (once a day, in one message) or off, by kind"
        f" ({', '.join(CHOSEN_KINDS)}) and channel ({', '.join(CHANNELS)}); the inbox has everything",
    )

    @model_validator(mode="after")
    def _each_channel_once(self) -> Self:
        if len(set(self.order)) < len(self.order):
            raise ValueError("order: name each channel once")
        return self

    @model_validator(mode="after")
    def _kinds_and_channels_exist(self) -> Self:
        for kind, switches in self.kinds.items():
            if kind not in CHOSEN_KINDS:
                raise ValueError(f"kinds: no kind {kind}, give some of {', '.join(CHOSEN_KINDS)}")
            for channel in switches:
                if channel not in CHANNELS:
                    raise ValueError(
                        f"kinds.{kind}: no channel {channel}, give some of {', '.join(CHANNELS)}"
                    )
        return self

    def preferences(self) -> Preferences:
        """As planning heeds them."""
        hours = self.quiet_hours
        return Preferences(
            time_zone=self.time_zone,
            quiet=None
            if hours is None
            else Quiet(minutes_of(hours.starts), minutes_of(hours.ends)),
            urgent_pauses=self.urgent_pauses,
            pauses_only=self.pauses_only,
            one_by_one=self.one_by_one,
            order=tuple(self.order),
            off=self._switched(OFF),
            digest=self._switched(DIGEST),
            digest_at=minutes_of(self.digest_at),
        )

    def _switched(self, to: Switch) -> tuple[tuple[str, str], ...]:
        return tuple(
            (kind, channel)
            for kind, switches in sorted(self.kinds.items())
            for channel, switch in sorted(switches.items())
            if switch == to
        )


def shown(language: str, wish: Preferences) -> MyPreferences:
    """Every kind and channel spelled out, so that a page can draw its switches."""
    quiet = wish.quiet
    return MyPreferences(
        language=language,
        time_zone=wish.time_zone,
        quiet_hours=None
        if quiet is None
        else QuietHours(starts=clock_of(quiet.starts), ends=clock_of(quiet.ends)),
        urgent_pauses=wish.urgent_pauses,
        pauses_only=wish.pauses_only,
        one_by_one=wish.one_by_one,
        order=cast("list[Channel]", list(wish.order)),
        digest_at=clock_of(wish.digest_at),
        kinds={
            kind: {channel: _switch(wish, kind, channel) for channel in CHANNELS}
            for kind in CHOSEN_KINDS
        },
    )


def _switch(wish: Preferences, kind: str, channel: str) -> Switch:
    if (kind, channel) in wish.off:
        return OFF
    return DIGEST if (kind, channel) in wish.digest else ON
