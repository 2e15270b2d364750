"""Problems of people with wallets and contacts; problems.py lists them among all."""

from typing import Final

from api.problem_kind import ProblemKind

SIGN_IN_REFUSED: Final = ProblemKind(
    "sign-in-refused",
    401,
    "The sign-in is not proven",
    "`detail` says what does not fit: the challenge, the signature or the key. Ask for a new challenge.",
)
CONTROL_MISSING: Final = ProblemKind(
    "control-missing",
    403,
    "The key does not control the account",
    "The account has other signers, and its own key weighs less than the medium threshold. Ask the operator"
    " to make the change.",
)
CODE_REFUSED: Final = ProblemKind(
    "code-refused",
    403,
    "The code is not right",
    "Only the newest code counts, for fifteen minutes and five tries. Add the contact again for another.",
)
RATE_LIMITED: Final = ProblemKind(
    "rate-limited",
    429,
    "Too many requests",
    "Keys, sessions and addresses may ask so many times a minute as `RateLimit-Policy` says. Try again"
    " after the seconds in `Retry-After`.",
)
BODY_TOO_SLOW: Final = ProblemKind(
    "body-too-slow",
    408,
    "The request's body did not arrive in time",
    "A body has thirty seconds. Send it again over a better connection.",
)
TOO_MANY_CODES: Final = ProblemKind(
    "too-many-codes",
    429,
    "Enough codes were sent for now",
    "A place gets three codes an hour and an account six. Try again after the seconds in `Retry-After`.",
)
CODE_TOMORROW: Final = ProblemKind(
    "one-code-a-day",
    429,
    "The place gets one code a day",
    "It refused messages, or one was reported as unwanted there. Try again after the seconds in"
    " `Retry-After`.",
)
CONTROL_UNKNOWN: Final = ProblemKind(
    "control-unknown",
    503,
    "The network cannot be asked who controls the account",
    "Nothing was changed. Try again after the seconds in `Retry-After`.",
)
CHAIN_UNREADABLE: Final = ProblemKind(
    "chain-unreadable",
    503,
    "The network cannot be asked about the contract account",
    "Whether a contract account signed is for its contract to say, which no RPC endpoint ran just now. Try"
    " again after the seconds in `Retry-After`.",
)
