"""Signing in with a wallet: a challenge to sign, a session for who met it, and its end.

Nothing here looks an account up, so that known and unknown ones get the same answer in the same time.
"""

import asyncio

from fastapi import APIRouter, Request

from api.access_log import SIGNED_IN, SIGNED_OUT, Access, note
from api.auth_schemas import (
    AskChallenge,
    ChallengeAnswer,
    MeetChallenge,
    SignedOut,
    SignOut,
    TokenAnswer,
)
from api.caller import Caller
from api.dependencies import KEYED, ApiDependencies, Employee, Serving, client_of
from api.people_problems import CHAIN_UNREADABLE, SIGN_IN_REFUSED
from api.problems import INVALID_REQUEST, Problem, documented
from api.sessions import Opened, end_session, end_sessions_of, meet, open_session
from api.shown import rfc3339
from api.sign_in import Challenge, refused
from domain.errors import InvalidValue
from store.clock import now_micros
from wallets.addresses import parse_address
from wallets.errors import ChainUnreadable, NotProven
from wallets.proof import Proof

router = APIRouter(prefix="/v1/auth", tags=["signing in"])

_SECOND = 1_000_000


@router.post(
    "/challenge",
    summary="Begin to sign in",
    responses=documented(INVALID_REQUEST, CHAIN_UNREADABLE),
)
async def challenge(given: Serving, asked: AskChallenge) -> ChallengeAnswer:
    """A message for the wallet to sign; it is the same for addresses that we know and that we do not.

    A contract account signs `authorization_entries` instead (SEP-45), where this deployment has them.
    """
    try:
        address = parse_address(asked.address)
    except InvalidValue as error:
        raise _invalid(error) from error
    made = given.sign_in.challenge(address.text, now_micros() // _SECOND)
    try:
        entries = await given.prover.entries(address.text, made.challenge)
    except ChainUnreadable as error:
        raise _unreadable(error) from error
    return ChallengeAnswer(
        challenge=made.challenge,
        message=made.message,
        expires_at=rfc3339(made.expires_at),
        authorization_entries=entries,
        network_passphrase=given.passphrase,
    )


@router.post(
    "/token",
    summary="Sign in",
    responses=documented(SIGN_IN_REFUSED, INVALID_REQUEST, CHAIN_UNREADABLE),
)
async def token(request: Request, given: Serving, sent: MeetChallenge) -> TokenAnswer:
    """A session for whoever signed the challenge. Each challenge is good once."""
    now = now_micros()
    asked = given.sign_in.met(sent.address, sent.challenge, now // _SECOND)
    proof = await _proven(given, sent, asked)
    opened = await asyncio.to_thread(_open, given, proof, asked, client_of(request))
    return TokenAnswer(
        token=opened.token,
        token_type="Bearer",  # noqa: S106 # RFC 6750's word, no secret
        expires_at=rfc3339(opened.expires_at),
        account_id=proof.address.account,
    )


@router.post("/logout", summary="Sign out", responses=KEYED)
async def logout(request: Request, given: Serving, caller: Employee, which: SignOut) -> SignedOut:
    """Ends the session at once, or all of the account's. A key is revoked by its operator instead."""
    return SignedOut(ended=await asyncio.to_thread(_end, given, caller, which, client_of(request)))


async def _proven(given: ApiDependencies, sent: MeetChallenge, asked: Challenge) -> Proof:
    signed = sent.authorization_entries or sent.signature or ""
    try:
        proof = await given.prover.verify(
            sent.address, asked.message, signed, sent.public_key, nonce=asked.challenge
        )
    except InvalidValue as error:
        raise _invalid(error) from error
    except ChainUnreadable as error:
        raise _unreadable(error) from error
    except NotProven as error:
        raise refused(str(error)) from error
    if not proof.bound:
        raise refused("nothing says that this key may act for the contract")
    return proof


def _open(given: ApiDependencies, proof: Proof, asked: Challenge, client: str | None) -> Opened:
    now = now_micros()
    account = proof.address.account
    with given.database.begin() as conn:
        if not meet(conn, asked.challenge.split(".")[2], asked.expires_at, now):
            raise refused("the challenge was met before: ask for another one")
        opened = open_session(
            conn,
            given.vault,
            account,
            issuer=given.domain,
            seconds=given.session_seconds,
            now=now,
        )
        lookup = given.vault.account_lookup(account)
        note(conn, now, Access(SIGNED_IN, opened.session_id, lookup, client))
    return opened


def _end(given: ApiDependencies, caller: Caller, which: SignOut, client: str | None) -> int:
    now = now_micros()
    lookup = given.vault.account_lookup(str(caller.account_id))
    with given.database.begin() as conn:
        if which.everywhere:
            ended = end_sessions_of(conn, lookup, now)
        else:
            ended = end_session(conn, caller.key_id, now)
        note(conn, now, Access(SIGNED_OUT, caller.key_id, lookup, client, f"{ended} sessions"))
    return ended


def _invalid(error: InvalidValue) -> Problem:
    fault = {"field": "body.address", "problem": error.fix}
    return Problem(INVALID_REQUEST, "wrong: body.address", errors=[fault])


def _unreadable(error: ChainUnreadable) -> Problem:
    return Problem(CHAIN_UNREADABLE, str(error), headers={"Retry-After": "10"})
