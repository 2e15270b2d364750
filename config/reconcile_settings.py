"""Settings for comparing what we recorded with what the contracts themselves keep."""

from config.fields import Section, setting


class ReconcileSettings(Section):
    """Comparing with the contracts' own storage, on schedule."""

    hours: float = setting(
        1,
        "how often the leader compares each contract with its storage; 0: only by command",
        unit="hours",
        ge=0,
        le=8760,
    )
    heal: bool = setting(
        True, "record what storage tells and no event did; false: only report what differs"
    )
