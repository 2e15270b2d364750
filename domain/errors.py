"""Errors of the domain: a rule refuses.

DomainError
├── InvalidValue          a text or number is not what its field must hold
└── HistoryMissing        late facts were decided without the aggregate's past
"""


class DomainError(Exception):
    """A rule of the domain refuses."""


class InvalidValue(DomainError, ValueError):
    """A text or number is not what its field must hold; names the field, the value and the fix."""

    def __init__(self, field: str, value: object, fix: str) -> None:
        super().__init__(f"{field}: {value!r} is not valid: {fix}")
        self.field = field
        self.fix = fix


class HistoryMissing(DomainError):
    """Late facts can only be placed when all earlier facts of the aggregate are at hand."""
