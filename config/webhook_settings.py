"""Settings of outgoing webhooks: what other people's systems are told."""

from ipaddress import IPv4Network, IPv6Network

from config.fields import Section, seconds, setting


class WebhookSettings(Section):
    """Webhooks to other people's systems, by Standard Webhooks; `/v1/webhooks` keeps them."""

    enabled: bool = setting(True, "post to those who subscribed")
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = setting(
        (),
        "networks that may be called although they are not of the open internet, and, if there is one,"
        ' by http:// too; as JSON: `["10.1.0.0/16"]`. Whoever holds a key with `webhooks:write` can'
        " reach them",
    )
    timeout_seconds: float = seconds(10, "longest wait for a receiver's answer", at_most=60)
    retry_hours: float = setting(
        72,
        "a webhook that was not taken for so long since it was planned is given up",
        unit="hours",
        gt=0,
        le=720,
    )
    disable_after_days: float = setting(
        5,
        "a receiver that has failed for so long without one success is switched off",
        unit="days",
        gt=0,
        le=90,
    )
