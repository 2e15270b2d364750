"""Errors of ingest, named for the reaction.

IngestError
├── Transient               back off, same cursor
│   ├── RpcUnavailable        no usable answer: refused, slow, cut, overloaded, malformed
│   │   └── AnswerTooLarge      the answer exceeds what we read: ask for less
│   ├── LakeUnavailable       the data lake gave no usable answer
│   └── NodeBehind            the node has not closed the ledger we stand at
├── Permanent               the same question has the same answer tomorrow
│   ├── RetentionGap          ledgers we still need were trimmed: a gap fact, heal
│   ├── WrongNetwork          the endpoint follows another network: expel it; all do: stop loudly
│   ├── ForkedChain           the network's name is ours, its ledgers are not: the same
│   ├── RequestRefused        the endpoint says that our request is wrong: a person must look
│   ├── NotServed             the source does not have this kind of data at all: ask another
│   ├── LakeUnusable          the data lake is of another network, or of a shape that we do not read
│   ├── RangeUnavailable      no source has the ledgers; names each source and its fault
│   └── LedgerUnreadable      a whole ledger does not read: ask another source, never pass it
├── Undecodable             bytes that do not read: quarantine that contract event, go on
├── ProfileInvalid          a contract profile does not read: stop before following anything
├── SightLost             no endpoint answers this process: let another one lead
└── CursorMoved             somebody else recorded meanwhile: drop what is cached, lead anew
"""


class IngestError(Exception):
    """Something between the RPC and the log did not work."""


class Transient(IngestError):
    """Try again with the same cursor; `retry_after`: seconds the far side asked us to wait."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class RpcUnavailable(Transient):
    """The endpoint gave no usable answer."""


class AnswerTooLarge(RpcUnavailable):
    """The answer is larger than one that we take."""


class LakeUnavailable(Transient):
    """The data lake gave no usable answer."""


class NodeBehind(Transient):
    """The node's newest ledger lies before the one we stand at (load-balanced nodes do this)."""

    def __init__(self, latest_ledger: int, needed: int) -> None:
        super().__init__(f"the node is at ledger {latest_ledger}, ledger {needed} is needed")
        self.latest_ledger = latest_ledger
        self.needed = needed


class Permanent(IngestError):
    """Trying again cannot help."""


class RetentionGap(Permanent):
    """The RPC no longer has `needed`, the next ledger that was not wholly scanned.

    `latest_ledger`: the newest one that it has, where it said so.
    """

    def __init__(self, oldest_ledger: int, needed: int, latest_ledger: int | None = None) -> None:
        super().__init__(f"ledger {needed} is needed, the oldest one kept is {oldest_ledger}")
        self.oldest_ledger = oldest_ledger
        self.needed = needed
        self.latest_ledger = latest_ledger


class WrongNetwork(Permanent):
    """The endpoint follows another network than this deployment."""

    def __init__(self, source: str, expected: str, found: str) -> None:
        super().__init__(f"{source} follows {found!r}, this deployment follows {expected!r}")
        self.source = source
        self.expected = expected
        self.found = found


class ForkedChain(Permanent):
    """The endpoint's ledgers are not those that we have passed: a reset test network, or a fork."""

    def __init__(self, source: str, what: str) -> None:
        super().__init__(
            f"{source} follows another chain of the same name: {what}. Was the test network reset, or"
            " is the endpoint on a fork? The way out: another endpoint; or, for a network that was"
            " reset, a new database; or network.pinned_ledger, if that endpoint is right"
        )
        self.source = source
        self.what = what


class RequestRefused(Permanent):
    """The endpoint calls our request wrong; `code`: of JSON-RPC (negative) or of HTTP."""

    def __init__(self, source: str, code: int, message: str) -> None:
        super().__init__(f"{source} refused the request: {message} ({code})")
        self.source = source
        self.code = code
        self.message = message


class NotServed(Permanent):
    """A source that does not serve what it was asked for.

    `begins_at`: the first later ledger that it does serve, where it knows one.
    """

    def __init__(self, reason: str, begins_at: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.begins_at = begins_at


class RangeUnavailable(Permanent):
    """None of the sources has the next ledger that is needed.

    `begins_at`: the first later ledger that one of them is known to have.
    """

    def __init__(self, reason: str, begins_at: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.begins_at = begins_at


class LakeUnusable(Permanent):
    """A data lake that cannot be read, whatever the ledger."""

    def __init__(self, lake: str, reason: str) -> None:
        super().__init__(f"{lake}: {reason}")
        self.lake = lake
        self.reason = reason


class LedgerUnreadable(Permanent):
    """A ledger's close meta cannot be walked: an unknown protocol, or bytes that were changed.

    `begins_at`: the next ledger that may read, the one behind it where nothing else is known.
    """

    def __init__(self, ledger: int, reason: str, begins_at: int | None = None) -> None:
        super().__init__(f"ledger {ledger} does not read: {reason}")
        self.ledger = ledger
        self.reason = reason
        self.begins_at = begins_at or ledger + 1


class Undecodable(IngestError):
    """Bytes that are not what they should be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProfileInvalid(IngestError):
    """A contract profile is wrong; names the file, its line, the event, the field and the way out."""

    def __init__(
        self, file: str, event: str, field: str, fix: str, line: int | None = None
    ) -> None:
        at = file if line is None else f"{file}:{line}"
        super().__init__(f"{at}: {event}: {field}: {fix}")
        self.file = file
        self.line = line
        self.event = event
        self.field = field
        self.fix = fix


class SightLost(IngestError):
    """No endpoint has answered for so many seconds; from where another process runs one may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no RPC endpoint has answered for {seconds:.0f} s")
        self.seconds = seconds


class CursorMoved(IngestError):
    """The stored position is not where the page began: somebody else records this source."""

    def __init__(self, source: str, cursor: str) -> None:
        super().__init__(f"{source} no longer stands at {cursor}")
        self.source = source
        self.cursor = cursor
