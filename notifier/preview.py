"""Sample notices, to see how each kind reads: for commands and pages, never sent.

Out: a content of each kind with everything in it that the kind may say.
"""

from notifier.content import EMPLOYEE, EMPLOYER, Content, Money, Pause
from notifier.news import CONTRACT_PAUSED, CONTRACT_RESUMED, KINDS, REMINDER, REVISED, STREAM_PAUSED

ROLES = (EMPLOYEE, EMPLOYER)
CHANNELS = ("email", "sms", "push", "in_app")
CONTRACT = "CBTLDJ4IP2UKKALRHVPRZRNTTSBFD4V77B4NQ7WJKWOTBCQT2YACD4PJ"
_AT = 1_790_000_000  # 21 September 2026
_DAY = 86_400
_ASSET, _DECIMALS = "USDC", 7


def sample(
    kind: str,
    role: str = EMPLOYEE,
    *,
    time_zone: str | None = None,
    locale: str | None = None,
) -> Content:
    """A notice of this kind. Raises ValueError where there is no such kind or role."""
    if kind not in KINDS:
        raise ValueError(f"no kind {kind}: give one of {', '.join(KINDS)}")
    if role not in ROLES:
        raise ValueError(f"no role {role}: give one of {', '.join(ROLES)}")
    wide = kind in (CONTRACT_PAUSED, CONTRACT_RESUMED)
    return Content(
        kind=kind,
        role=role,
        contract_id=CONTRACT,
        stream_id=None if wide else 184,
        happened_at=_AT,
        learned_at=_AT + (3 * _DAY if kind == REMINDER else 3),
        reference="AB12CD34",
        link=f"https://pausewire.example/streams/{CONTRACT}/184",
        paused_since=_AT - 2 * _DAY if kind.endswith(("resumed", "while_paused")) else None,
        pauses=(Pause(_AT - 9 * _DAY, _AT - 7 * _DAY),) if kind == REVISED else (),
        paused_by="GBQD…XEYA" if kind == STREAM_PAUSED else None,
        paused_by_role="delegate" if kind == STREAM_PAUSED else None,
        ledger=51_234_567,
        time_zone=time_zone,
        locale=locale,
        money=_money(kind),
    )


def _money(kind: str) -> Money | None:
    if kind in (STREAM_PAUSED, REMINDER):
        return Money(_ASSET, _DECIMALS, earned=12_345_678_901, withdrawn=2_345_678_901)
    if kind.startswith("cancelled"):
        return Money(_ASSET, _DECIMALS, settled=10_000_000_000, refunded=98_765_432_100)
    return None
