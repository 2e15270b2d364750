"""Who may change what an account is told, and where: whoever controls it on the network, not only its key.

An operator's key acts by the operator's word and is not asked. What cannot be read is refused, and said.
"""

from typing import Annotated

from fastapi import Depends

from api.caller import Caller
from api.dependencies import Employee, Serving
from api.people_problems import CONTROL_MISSING, CONTROL_UNKNOWN
from api.problems import Problem, documented
from wallets.addresses import Kind, parse_address
from wallets.errors import ChainUnreadable

CONTROLLED = documented(CONTROL_MISSING, CONTROL_UNKNOWN)


async def controlling(caller: Employee, given: Serving) -> Caller:
    """The caller, who controls the account. Raises Problem: does not, or nobody can tell."""
    account = str(caller.account_id)
    if not caller.is_session or parse_address(account).kind is not Kind.ACCOUNT:
        return caller
    if given.control is None:
        raise _unknown("this deployment asks no RPC endpoint")
    try:
        control = await given.control.of(account)
    except ChainUnreadable as error:
        raise _unknown(str(error)) from error
    if not control.suffices:
        raise Problem(
            CONTROL_MISSING,
            f"the account's own key weighs {control.weight}, its medium threshold is {control.medium}",
        )
    return caller


Controller = Annotated[Caller, Depends(controlling)]


def _unknown(why: str) -> Problem:
    detail = f"nothing was changed: {why}"
    return Problem(CONTROL_UNKNOWN, detail, headers={"Retry-After": "10"})
