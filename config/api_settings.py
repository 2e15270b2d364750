"""Settings of the HTTP interface: where it listens, whom it answers, how much at once."""

from ipaddress import IPv4Network, IPv6Network

from pydantic import field_validator

from config.fields import Section, checked_url, seconds, setting, tcp_port


class ApiSettings(Section):
    """The HTTP interface."""

    host: str = setting("127.0.0.1", "address to listen on")
    port: int = tcp_port(8000, "port to listen on")
    public_url: str | None = setting(
        None,
        "address under which people reach the API, for links in alerts; its host is what they sign in to",
    )
    cors_origins: tuple[str, ...] = setting(
        (),
        "web origins that browsers may call the API from; none by default, `*` only outside production",
    )
    max_limit: int = setting(200, "most items in one page of a list", unit="items", ge=1, le=1000)
    metrics_networks: tuple[IPv4Network | IPv6Network, ...] = setting(
        (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")), "networks that may read /metrics"
    )

    operator_networks: tuple[IPv4Network | IPv6Network, ...] = setting(
        (IPv4Network("0.0.0.0/0"), IPv6Network("::/0")),
        "networks that routes of the scope operator answer to",
    )
    callback_networks: tuple[IPv4Network | IPv6Network, ...] = setting(
        (IPv4Network("0.0.0.0/0"), IPv6Network("::/0")),
        "networks that providers may call back from",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = setting(
        (),
        "proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; none by default",
    )
    requests_per_minute: int = setting(
        60,
        "how often a key or session may ask, unless the key has a limit of its own",
        unit="requests",
        ge=1,
        le=1_000_000,
    )
    address_requests_per_minute: int = setting(
        600, "how often an address may ask, of IPv6 a /64", unit="requests", ge=1, le=1_000_000
    )

    challenge_seconds: int = setting(
        300,
        "how long a challenge to sign in with a wallet can be met",
        unit="seconds",
        ge=30,
        le=900,
    )
    session_hours: float = setting(
        24.0, "how long a session lasts that a wallet began", unit="hours", gt=0, le=24 * 30
    )
    read_log_days: float = setting(
        365.0,
        "how long it is kept who read what; 0: it is not noted",
        unit="days",
        ge=0,
        le=3_660,
    )
    root_path: str = setting(
        "",
        "path that a proxy serves everything under, such as `/pausewire`",
        pattern="^(/[A-Za-z0-9._~-]+)*$",
    )
    public_badges: bool = setting(
        False, "status badges (`badge.svg`) are shown to anybody, without a key"
    )
    explorer_url: str | None = setting(
        None,
        "block explorer that links lead to, such as `https://stellar.expert/explorer/public`;"
        " none: the known one of the network followed",
    )

    feed_connections: int = setting(
        1000, "most connections to the feed in one process", unit="connections", ge=1, le=100_000
    )
    feed_heartbeat_seconds: float = seconds(
        15.0,
        "pause between signs of life on the feed; who takes nothing so long is dropped",
        at_most=300,
    )
    feed_poll_seconds: float = seconds(1.0, "longest wait for a wake-up before looking", at_most=60)

    @field_validator("public_url", "explorer_url")
    @classmethod
    def _public_url_is_http(cls, value: str | None) -> str | None:
        return value and checked_url(value, "https", "http").rstrip("/")

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_http(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            origin if origin == "*" else checked_url(origin, "https", "http").rstrip("/")
            for origin in origins
        )
