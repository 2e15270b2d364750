"""Ending tasks: cancelled until they have ended, however often one of them swallows it.

A cancellation that meets a task at the wrong moment can be lost (a library catches it, or takes it for its
own timeout). Whoever waited for such a task would hang for good: at shutdown, and when leadership is lost.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Final

import structlog

_LOG = structlog.get_logger()
_AGAIN_SECONDS: Final = 3.0
TASK_WOULD_NOT_END: Final = "task_would_not_end"


async def end(
    tasks: Collection["asyncio.Task[Any]"], again_seconds: float = _AGAIN_SECONDS
) -> list[BaseException]:
    """Cancel them all and wait; the errors with which some ended, or had ended before.

    Cancelled itself meanwhile, it is cancelled once they have ended: none of them outlives it.
    """
    pending = set(tasks)
    cancelled: asyncio.CancelledError | None = None
    while pending:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=again_seconds)
        except asyncio.CancelledError as told:
            cancelled = told
        pending = {task for task in pending if not task.done()}
        for task in pending:
            _LOG.error(TASK_WOULD_NOT_END, task=repr(task.get_coro()), at=_place(task))
    if cancelled is not None:
        raise cancelled
    return [
        error for task in tasks if not task.cancelled() and (error := task.exception()) is not None
    ]


def _place(task: "asyncio.Task[Any]") -> list[str]:
    """Where it stands, the innermost place last."""
    return [f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in task.get_stack()]
