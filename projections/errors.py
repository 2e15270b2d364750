"""Errors of the projections, named for the fact they state.

ProjectionError
├── SetStillServing       the old tables may still be read; retry after `seconds`
├── RebuildOvertaken      another rebuild took the idle tables over
└── PositionBeyondLog     a rebuild was asked to end behind the log's head
"""


class ProjectionError(Exception):
    """The read models could not do what was asked."""


class SetStillServing(ProjectionError):
    """Requests that began before the last swap may still read the other set."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the other table set was in service a moment ago: wait {seconds:.0f} s")
        self.seconds = seconds


class RebuildOvertaken(ProjectionError):
    """Another rebuild took the idle tables over; it goes on, this one has ended."""


class PositionBeyondLog(ProjectionError):
    """The position asked for is not recorded yet."""

    def __init__(self, position: int, head: int) -> None:
        super().__init__(f"position {position} is not recorded yet: the log ends at {head}")
        self.position = position
        self.head = head
