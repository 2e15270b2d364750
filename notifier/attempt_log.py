"""How an attempt ended, for the process's own log: no destination, and no text of an error.

In: a claim, its result, and what follows. Out: one line.
"""

from typing import Any

from notifier.attempts import Claim
from notifier.result import DEFECT_REASON, Result
from notifier.retry import NextStep, Outcome

ATTEMPT_SETTLED = "attempt_settled"
ATTEMPT_OVERTAKEN = "attempt_overtaken"
DEFECT_CONTAINED = "delivery_defect_contained"


def report(log: Any, held: Claim, result: Result, step: NextStep | None) -> None:
    """Say how it ended. `step`: what follows; None: the claim had been lost."""
    log = log.bind(
        delivery_id=str(held.delivery_id),
        attempt_number=held.attempt_number,
        channel=held.channel,
        provider=result.provider,
        outcome=result.outcome.value,
    )
    if result.reason == DEFECT_REASON and isinstance(result.answer, Exception):
        log.error(DEFECT_CONTAINED, phase=result.phase, **place_of(result.answer))
    if step is None:
        log.warning(ATTEMPT_OVERTAKEN)
    elif result.outcome is Outcome.ACCEPTED:
        log.info(ATTEMPT_SETTLED, state=step.state)
    else:
        log.warning(ATTEMPT_SETTLED, state=step.state, reason=result.reason)


def place_of(error: Exception) -> dict[str, str]:
    """Kind and place of a defect; never its text, which may quote a person's data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return {"error": type(error).__name__, "place": place}
