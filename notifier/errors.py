"""What can go wrong between a recorded event and a person; branches are named for the reaction.

NotifierError
├── DeliveryError              one attempt got no receipt; carries what the far side answered
│   ├── Transient              proven not sent: the next attempt may succeed
│   │   ├── ChannelUnavailable     no connection to the provider; repeated, it opens the breaker
│   │   ├── Deferred               the provider asked for later (SMTP 4xx, 503 with Retry-After)
│   │   │   └── Throttled              so did the destination's site, for all that we send there
│   │   └── RateLimited            the provider counts what we send (429)
│   ├── Permanent              proven not sent, and never will be: the delivery failed
│   │   └── DestinationRejected    the provider refuses this destination: flag it
│   │       ├── OptedOut               the person told the provider: no more (STOP)
│   │       └── DestinationGone        it says itself that it is no more (410): end what leads to it
│   ├── OutcomeUnknown         handed off, and no answer told its fate: never sent blindly again
│   └── ProviderFault          our standing with the provider: opens the breaker, costs no attempt
│       ├── CredentialsRefused     login refused
│       └── SenderRefused          sender address or number, policy, balance
├── BrokerUnavailable          messages cannot be queued: deliveries stay pending, the relay tries again
├── CallbackError              what came in a provider's name
│   ├── SignatureRefused           not proven to be the provider's: 401, nothing is kept
│   ├── CallbackUnreadable         the provider's, but not of its shape: told to it, nothing is kept
│   └── KindUnknown                stored, but of a kind we do not know: tried again, then dead
├── ReceiverRefused            an outgoing webhook's URL may not be called; the message says what may
├── NotAGuest                outside production nothing leaves for there; the message names the setting
├── FilterInvalid              a condition on deliveries cannot be read
├── RecipientsInvalid          a recipients file has faults: nothing was written
└── WrongMasterKey             the key is not the one people's data is sealed under: stop

Anything else is a defect: contained at one delivery by the guard in deliver.py, never retried by default.
"""

from collections.abc import Sequence


class NotifierError(Exception):
    """Root of the notifier's errors."""


class DeliveryError(NotifierError):
    """One attempt got no receipt. `detail` is the far side's own words, cut, without a destination."""

    def __init__(
        self,
        detail: str,
        *,
        status_code: int | None = None,
        enhanced_code: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status_code = status_code
        self.enhanced_code = enhanced_code
        self.retry_after_seconds = retry_after_seconds


class Transient(DeliveryError):
    """Proven not sent; the next attempt may succeed."""


class ChannelUnavailable(Transient):
    """No connection to the provider."""


class Deferred(Transient):
    """The provider asked for later."""


class Throttled(Deferred):
    """The destination's site (a mail domain) asked for later, for all that we send there."""


class RateLimited(Transient):
    """The provider counts what we send."""


class Permanent(DeliveryError):
    """Proven not sent, and never will be."""


class DestinationRejected(Permanent):
    """The provider refuses this destination."""


class OptedOut(DestinationRejected):
    """The person told the provider that they want no more."""


class DestinationGone(DestinationRejected):
    """The destination itself says that it is no more."""


class OutcomeUnknown(DeliveryError):
    """Handed off, and no answer told what became of it."""


class ProviderFault(DeliveryError):
    """Our standing with the provider is at fault."""


class CredentialsRefused(ProviderFault):
    """The provider refuses our login."""


class SenderRefused(ProviderFault):
    """The provider refuses our sender, our policy standing or our balance."""


class BrokerUnavailable(NotifierError):
    """The broker takes no messages."""


class CallbackError(NotifierError):
    """What came in a provider's name cannot be used."""


class SignatureRefused(CallbackError):
    """It is not proven to come from the provider; the message names what is wrong, never a secret."""


class CallbackUnreadable(CallbackError):
    """It comes from the provider and has not its shape; the message names what to send."""


class KindUnknown(CallbackError):
    """The provider tells of something that this version does not know."""


class ReceiverRefused(NotifierError):
    """An outgoing webhook's URL may not be called; the message says what may."""


class NotAGuest(NotifierError):
    """Outside production nothing leaves for there; the message names the setting that admits it."""


class FilterInvalid(NotifierError):
    """A condition on deliveries cannot be read; the message says what can."""


class RecipientsInvalid(NotifierError):
    """A recipients file has faults; `faults` lists each with its line."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(f"{len(faults)} faults; nothing was written")
        self.faults = tuple(faults)


class WrongMasterKey(NotifierError):
    """The master key is not the one that the recipients' keys are wrapped with."""

    def __init__(self) -> None:
        super().__init__(
            "secrets.master_key is not the key that this database's recipients are sealed under:"
            " give the one that was used before, or a database of its own"
        )
