"""Rules between settings: what each value allows by itself but all together cannot work or be safe."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from config.channel_settings import EmailSettings, SecondEmailSettings
from config.settings import Settings

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
MUST_BE_SAFE = frozenset({"staging", "production"})


class BrokenRule(NamedTuple):
    """The setting to change, what is wrong, and the way out."""

    key: str
    problem: str
    fix: str


def broken_rules(settings: Settings) -> list[BrokenRule]:
    """All rules that the settings break."""
    return [broken for rule in RULES for broken in rule(settings)]


def _database_is_named(settings: Settings) -> Iterator[BrokenRule]:
    if settings.database.url is None:
        yield BrokenRule(
            "database.url",
            "no database is named",
            "set PAUSEWIRE_DATABASE__URL, such as postgresql+psycopg://pausewire@db/pausewire",
        )


def _network_is_named(settings: Settings) -> Iterator[BrokenRule]:
    if settings.simulator.enabled:
        return
    if not settings.network.rpc_urls:
        yield BrokenRule(
            "network.rpc_urls",
            "no RPC endpoint is named",
            """set PAUSEWIRE_NETWORK__RPC_URLS='["https://…"]'""",
        )
    if not settings.network.contracts:
        yield BrokenRule(
            "network.contracts",
            "no contract is named",
            """set PAUSEWIRE_NETWORK__CONTRACTS='[{"id": "C…"}]'""",
        )


def _a_second_opinion_needs_two(settings: Settings) -> Iterator[BrokenRule]:
    network = settings.network
    if network.cross_check != "off" and len(network.rpc_urls) < 2:
        yield BrokenRule(
            "network.cross_check",
            f"{network.cross_check} compares two endpoints, {len(network.rpc_urls)} is named",
            "name another one in network.rpc_urls, or set PAUSEWIRE_NETWORK__CROSS_CHECK=off",
        )


def _simulator_stays_out(settings: Settings) -> Iterator[BrokenRule]:
    if settings.simulator.enabled and settings.environment != "development":
        yield BrokenRule(
            "simulator.enabled",
            f"the simulated network is on in {settings.environment}",
            "set PAUSEWIRE_SIMULATOR__ENABLED=false",
        )


def _providers_are_encrypted(settings: Settings) -> Iterator[BrokenRule]:
    if settings.environment not in MUST_BE_SAFE:
        return
    urls = [("network.rpc_urls", url.get_secret_value()) for url in settings.network.rpc_urls]
    urls += [
        ("sms.base_url", settings.sms.base_url),
        ("second_sms.base_url", settings.second_sms.base_url),
        ("look_ups.vonage_url", settings.look_ups.vonage_url),
        ("push.ntfy_url", settings.push.ntfy_url or ""),
        ("push.gotify_url", settings.push.gotify_url or ""),
    ]
    for key, url in urls:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            yield BrokenRule(
                key,
                f"{parts.hostname} is spoken to in clear text",
                "use https:// (or a loopback host)",
            )


def _email_is_complete(settings: Settings) -> Iterator[BrokenRule]:
    email = settings.email
    if email.enabled and not email.host:
        yield BrokenRule("email.host", "email is on without a server", "set PAUSEWIRE_EMAIL__HOST")
    if email.enabled and not email.sender:
        yield BrokenRule(
            "email.sender", "email is on without a sender", "set PAUSEWIRE_EMAIL__SENDER"
        )
    if (email.dkim_selector is None) != (email.dkim_key is None):
        yield BrokenRule(
            "email.dkim_key", "selector and key belong together", "set both, or neither"
        )
    signs = (email.dkim_domain or "").lower()
    domain = (email.sender or "").rpartition("@")[2].rstrip(">").lower()
    if signs and domain != signs and not domain.endswith(f".{signs}"):
        yield BrokenRule(
            "email.dkim_domain",
            "receivers trust a signature of the sender's domain, or of one above it, only",
            f"give {domain or 'the domain of email.sender'}, or leave it out",
        )
    yield from _login_is_safe("email", email)


def _login_is_safe(
    section: str, server: EmailSettings | SecondEmailSettings
) -> Iterator[BrokenRule]:
    if (server.username is None) != (server.password is None):
        yield BrokenRule(
            f"{section}.password", "name and password belong together", "set both, or neither"
        )
    if server.password and server.tls == "none" and server.host not in LOOPBACK_HOSTS:
        yield BrokenRule(
            f"{section}.tls", "the password would travel in clear text", "use starttls or tls"
        )


def _sms_is_complete(settings: Settings) -> Iterator[BrokenRule]:
    for section, sms in (("sms", settings.sms), ("second_sms", settings.second_sms)):
        for name in ("account_sid", "auth_token", "sender"):
            if sms.provider != "none" and not getattr(sms, name):
                prefix = f"PAUSEWIRE_{section.upper()}__"
                yield BrokenRule(
                    f"{section}.{name}",
                    f"SMS by {sms.provider} is on without it",
                    f"set {prefix}{name.upper()}, or {prefix}PROVIDER=none",
                )


def _second_providers_stand_behind_first_ones(settings: Settings) -> Iterator[BrokenRule]:
    first, second = settings.sms.provider, settings.second_sms.provider
    if second != "none" and first in ("none", second):
        yield BrokenRule(
            "second_sms.provider",
            "the second provider is the first one" if first == second else "there is no first one",
            "name another provider, or set PAUSEWIRE_SECOND_SMS__PROVIDER=none",
        )
    mail = settings.second_email
    if not mail.enabled:
        return
    if not settings.email.enabled:
        yield BrokenRule(
            "second_email.enabled", "there is no first server", "set PAUSEWIRE_EMAIL__ENABLED=true"
        )
    if not mail.host:
        yield BrokenRule(
            "second_email.host",
            "the second server is on without one",
            "set PAUSEWIRE_SECOND_EMAIL__HOST",
        )
    yield from _login_is_safe("second_email", mail)


def _push_is_complete(settings: Settings) -> Iterator[BrokenRule]:
    push = settings.push
    if push.catcher_url is not None and settings.environment in MUST_BE_SAFE:
        yield BrokenRule(
            "push.catcher_url",
            f"what is meant for people's devices would be caught in {settings.environment}",
            "leave PAUSEWIRE_PUSH__CATCHER_URL out",
        )
    if push.vapid_key is not None and push.vapid_subject is None and not settings.email.sender:
        yield BrokenRule(
            "push.vapid_subject",
            "push services want to know whom to ask",
            "set PAUSEWIRE_PUSH__VAPID_SUBJECT, such as mailto:ops@example.org",
        )


def _leases_outlast_attempts(settings: Settings) -> Iterator[BrokenRule]:
    timeouts = [
        settings.email.timeout_seconds,
        settings.sms.timeout_seconds,
        settings.push.timeout_seconds,
        settings.webhooks.timeout_seconds,
    ]
    # A second provider that is not there keeps no delivery waiting.
    if settings.second_email.enabled:
        timeouts.append(settings.second_email.timeout_seconds)
    if settings.second_sms.provider != "none":
        timeouts.append(settings.second_sms.timeout_seconds)
    longest = max(timeouts)
    if settings.notifier.lease_seconds <= longest:
        yield BrokenRule(
            "notifier.lease_seconds",
            "a delivery would be taken over while its attempt still waits for the provider",
            f"give more than the longest channel timeout, {longest:g} seconds",
        )


def _patience_outlasts_a_request(settings: Settings) -> Iterator[BrokenRule]:
    ingest = settings.ingest
    if ingest.yield_seconds <= ingest.request_timeout_seconds:
        yield BrokenRule(
            "ingest.yield_seconds",
            "the leader would give up while its first request still waits",
            f"give more than ingest.request_timeout_seconds, {ingest.request_timeout_seconds:g}",
        )


def _keys_are_kept_safe(settings: Settings) -> Iterator[BrokenRule]:
    if settings.environment in MUST_BE_SAFE and settings.secrets.provider == "development":
        yield BrokenRule(
            "secrets.provider",
            f"the master key would lie in a plain file in {settings.environment}",
            "use environment or file",
        )


def _origins_are_named(settings: Settings) -> Iterator[BrokenRule]:
    if settings.environment in MUST_BE_SAFE and "*" in settings.api.cors_origins:
        yield BrokenRule(
            "api.cors_origins",
            f"any web page could use the API from its visitors' browsers in {settings.environment}",
            """name them: PAUSEWIRE_API__CORS_ORIGINS='["https://…"]'""",
        )


Rule = Callable[[Settings], Iterable[BrokenRule]]
RULES: tuple[Rule, ...] = (
    _database_is_named,
    _network_is_named,
    _a_second_opinion_needs_two,
    _simulator_stays_out,
    _providers_are_encrypted,
    _email_is_complete,
    _sms_is_complete,
    _second_providers_stand_behind_first_ones,
    _push_is_complete,
    _leases_outlast_attempts,
    _patience_outlasts_a_request,
    _keys_are_kept_safe,
    _origins_are_named,
)
