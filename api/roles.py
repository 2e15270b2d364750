"""Roles: ready sets of scopes for the people and programs that ask for keys."""

from typing import Final

from api.keys import AUDIT_READ, OPERATOR, STREAMS_READ, WEBHOOKS_WRITE

# An operator cannot read who read what: that is for those who check on operators.
ROLES: Final = {
    "auditor": (AUDIT_READ, STREAMS_READ),
    "operator": (OPERATOR, STREAMS_READ, WEBHOOKS_WRITE),
    "frontend": (STREAMS_READ,),
}
