"""Settings of how long is kept what tells of people and proves nothing."""

from config.fields import Section, setting

_LONGEST = 36_500


class KeepSettings(Section):
    """How long rows that tell of people are kept; 0: for ever.

    The log, its evidence, notices and deliveries are never touched: proofs and the keys by which nobody is
    told twice are made of them. Who read what: `api.read_log_days`; callbacks that were worked off:
    `callbacks.keep_days`.
    """

    access_log_days: float = setting(
        365,
        "the access log: who changed or signed what, from which address",
        unit="days",
        ge=0,
        le=_LONGEST,
    )
    changes_days: float = setting(
        730,
        "the history of what people asked to be told, and where; what holds now is kept in any case",
        unit="days",
        ge=0,
        le=_LONGEST,
    )
    attempt_details_days: float = setting(
        90,
        "what providers and receivers said of each try, counted from its planning; how it ended stays,"
        " and what nobody knows the end of keeps its words",
        unit="days",
        ge=0,
        le=_LONGEST,
    )
    dead_callbacks_days: float = setting(
        90,
        "callbacks that could not be worked off and that nobody redrove",
        unit="days",
        ge=0,
        le=_LONGEST,
    )
