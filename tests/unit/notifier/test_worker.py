"""What settings switch on."""

import json
import threading

import pytest
from pydantic import SecretStr, ValidationError

from config.channel_settings import EmailSettings, SecondEmailSettings, SmsSettings
from config.limit_settings import LimitSettings
from config.push_settings import PushSettings
from config.rules import broken_rules
from config.settings import Settings
from config.webhook_settings import WebhookSettings
from notifier.channels.push_services import PushServices
from notifier.channels.several import Several
from notifier.guests_on import guests_of
from notifier.limits import Pace, at_most
from notifier.limits_on import paces_of
from notifier.push_on import push_services, push_services_on
from notifier.sites import domain_lookup
from notifier.switched_on import build_channels, status_callback
from notifier.worker import build_worker
from store.engine import Database
from tests.fakes.planned import vault
from tests.fakes.push_benches import service_account

ALL = Settings(
    email=EmailSettings(
        enabled=True,
        host="mail.test",
        sender="alerts@pausewire.test",
        username="u",
        password=SecretStr("p"),
    ),
    sms=SmsSettings(
        provider="twilio", account_sid="AC1", auth_token=SecretStr("t"), sender="+15550100000"
    ),
    push=PushSettings(ntfy_url="https://push.test", token=SecretStr("tk")),
)


def test_nothing_is_sent_on_channels_that_are_off() -> None:
    assert build_channels(Settings(webhooks=WebhookSettings(enabled=False))) == {}


@pytest.mark.parametrize(
    ("sms", "url"),
    [
        ({"provider": "vonage"}, "https://rest.nexmo.com"),
        ({"provider": "sns", "region": "eu-west-1"}, "https://sns.eu-west-1.amazonaws.com"),
        ({"provider": "sns", "base_url": "http://127.0.0.1:1/sns/"}, "http://127.0.0.1:1/sns"),
        ({"provider": "twilio"}, "https://api.twilio.com"),
    ],
)
def test_an_sms_provider_is_asked_at_its_own_address(sms: dict[str, str], url: str) -> None:
    settings = SmsSettings(account_sid="a", auth_token=SecretStr("t"), sender="P", **sms)
    assert settings.base_url == url
    assert build_channels(Settings(sms=settings))["sms"].provider == sms["provider"]


def test_each_channel_has_one_provider() -> None:
    channels = build_channels(ALL)
    assert {name: channel.provider for name, channel in channels.items()} == {
        "email": "smtp",
        "sms": "twilio",
        "push": "push",  # each of its services has its own
        "webhook": "webhook",
    }
    push = channels["push"]
    assert isinstance(push, PushServices)
    assert {name: each.provider for name, each in push.services.items()} == {"ntfy": "ntfy"}


def test_a_vapid_key_switches_web_push_on() -> None:
    key = SecretStr("3Sd1cFSoqrDX6QkmjIVYvyq2Q_8jd5g4oP2dX0kTn3A")
    given = PushSettings(vapid_key=key, vapid_subject="mailto:ops@example.test")
    push = build_channels(Settings(push=given))["push"]
    assert isinstance(push, PushServices)
    assert list(push.services) == ["web-push"]


def test_each_push_service_is_switched_on_by_itself() -> None:
    account = service_account()
    said = {
        "project_id": account.project_id,
        "client_email": account.client_email,
        "private_key": account.private_key,
    }
    given = {
        "fcm": {"fcm_key": SecretStr(json.dumps(said))},
        "pushover": {"pushover_token": SecretStr("a" * 30)},
        "gotify": {"gotify_url": "https://gotify.example"},
        "telegram": {"telegram_token": SecretStr("123456789:" + "A" * 35)},
        "slack": {"slack": True},
        "discord": {"discord": True},
    }
    for name, changes in given.items():
        settings = Settings(push=PushSettings(**changes))
        assert push_services_on(settings)
        (made,) = push_services(settings).values()
        assert made.provider == name
    assert not push_services_on(Settings())
    assert push_services(Settings()) == {}


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"project_id": "p", "private_key": "x"}'])
def test_what_is_no_key_file_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValidationError, match="service account"):
        PushSettings(fcm_key=SecretStr(text))


def test_what_is_meant_for_devices_is_caught_in_development_only() -> None:
    caught = PushSettings(slack=True, catcher_url="http://127.0.0.1:8101")
    assert "push slack" in guests_of(Settings(environment="testnet", push=caught)).catchers
    far = PushSettings(slack=True)
    assert "push slack" not in guests_of(Settings(environment="testnet", push=far)).catchers
    broken = broken_rules(Settings(environment="production", push=caught))
    assert "push.catcher_url" in {rule.key for rule in broken}


@pytest.mark.parametrize("text", ["", "abc", "A" * 43, "!" * 43])
def test_what_is_no_vapid_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PushSettings(vapid_key=SecretStr(text))
    assert "pausewire push keys" in str(caught.value)


def test_push_services_are_told_whom_to_ask() -> None:
    key = SecretStr("3Sd1cFSoqrDX6QkmjIVYvyq2Q_8jd5g4oP2dX0kTn3A")
    broken = broken_rules(Settings(push=PushSettings(vapid_key=key)))
    assert "push.vapid_subject" in {rule.key for rule in broken}


def test_a_worker_starts_and_stops_with_nothing_to_do(sqlite_database: Database) -> None:
    worker = build_worker(ALL, sqlite_database, vault())
    assert set(worker.roles) == {"relay", "sweep", "gather", "facts"}
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    worker.run(stop)
    assert stop.is_set()


def test_a_role_that_fails_ends_the_process_with_its_error(sqlite_database: Database) -> None:
    worker = build_worker(Settings(), sqlite_database, vault())

    def broken(stop: threading.Event) -> None:
        raise LookupError("a defect")

    roles = dict(worker.roles) | {"relay": broken}
    stop = threading.Event()
    failing = type(worker)(
        broker=worker.broker, worker=worker.worker, relay=worker.relay, roles=roles
    )
    with pytest.raises(LookupError, match="a defect"):
        failing.run(stop)
    assert stop.is_set()


@pytest.mark.parametrize(
    ("changes", "called"),
    [
        ({}, None),
        ({"api": {"public_url": "https://pay.example"}}, "https://pay.example"),
        (
            {
                "api": {"public_url": "https://pay.example"},
                "callbacks": {"base_url": "https://in.example"},
            },
            "https://in.example",
        ),
        ({"api": {"public_url": "http://127.0.0.1:8000"}}, None),
        (
            {
                "api": {"public_url": "http://127.0.0.1:8000"},
                "sms": {"base_url": "http://127.0.0.1:8101"},
            },
            "http://127.0.0.1:8000",
        ),
    ],
)
def test_twilio_is_told_to_call_where_it_can(
    changes: dict[str, dict[str, str]], called: str | None
) -> None:
    settings = Settings.model_validate(changes)
    found = status_callback(settings, settings.sms)
    path = "/v1/providers/twilio/callbacks?delivery="
    assert found == (called and f"{called}{path}")


def test_limits_reach_the_providers_that_are_on() -> None:
    limits = LimitSettings(
        email_per_second=2,
        push_per_second=4,
        domain_per_minute=60,
        domains=("example.org=0", "slow.test=2"),
        person_sms_per_hour=0,
    )
    settings = ALL.model_copy(update={"limits": limits})
    paces = paces_of(settings, vault(), build_channels(settings))
    assert paces.of("provider:smtp") == Pace(500_000, 10)
    assert paces.of("provider:ntfy") == Pace(250_000, 10)
    assert paces.of("provider:twilio") is None
    assert paces.of(f"site:email:{domain_lookup(vault(), 'example.org')}") is None
    assert paces.of(f"site:email:{domain_lookup(vault(), 'slow.test')}") == Pace(60_000_000, 1)
    assert paces.of("site:email:another") == Pace(2_000_000, 30)
    assert paces.of("site:push:another") is None
    assert paces.of("person:email:ana") == at_most(60, 3600)
    assert paces.of("person:sms:ana") is None


def test_a_second_provider_stands_behind_the_first() -> None:
    second_sms = SmsSettings(
        provider="vonage", account_sid="k", auth_token=SecretStr("s"), sender="Pausewire"
    )
    second_email = SecondEmailSettings(enabled=True, host="other.test")
    settings = ALL.model_copy(update={"second_email": second_email, "second_sms": second_sms})
    channels = build_channels(settings)
    mail, sms = channels["email"], channels["sms"]
    assert isinstance(mail, Several)
    assert isinstance(sms, Several)
    assert [each.provider for each in mail.channels] == ["smtp", "smtp-second"]
    assert [each.provider for each in sms.channels] == ["twilio", "vonage"]
    limited = settings.model_copy(update={"limits": LimitSettings(sms_per_second=1)})
    paces = paces_of(limited, vault(), channels)
    assert paces.of("provider:twilio") == paces.of("provider:vonage") == Pace(1_000_000, 10)


def test_a_channel_is_caught_only_where_both_its_providers_are() -> None:
    here = EmailSettings(enabled=True, host="127.0.0.1", sender="alerts@pausewire.test")
    near = SecondEmailSettings(enabled=True, host="127.0.0.1")
    away = SecondEmailSettings(enabled=True, host="mail.example")
    base = Settings(environment="testnet", email=here, second_email=near)
    assert "email" in guests_of(base).catchers
    assert "email" not in guests_of(base.model_copy(update={"second_email": away})).catchers
    sms = SmsSettings(provider="twilio", base_url="http://127.0.0.1:1")
    second = SmsSettings(provider="vonage")
    texting = base.model_copy(update={"sms": sms})
    assert "sms" in guests_of(texting).catchers
    assert "sms" not in guests_of(texting.model_copy(update={"second_sms": second})).catchers
