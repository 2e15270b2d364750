"""The notify role's wiring: which channels there are, and for how long news is fresh on each."""

from cli.notifying import freshness_of
from cli.wiring import deployment
from config.settings import Settings


def test_news_is_fresh_on_each_channel_for_as_long_as_the_settings_say(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_NOTIFIER__FRESHNESS_EMAIL_HOURS", "1.5")
    monkeypatch.setenv("PAUSEWIRE_NOTIFIER__FRESHNESS_SMS_MINUTES", "10")
    monkeypatch.setenv("PAUSEWIRE_NOTIFIER__FRESHNESS_PUSH_MINUTES", "0.5")
    assert freshness_of(deployment().settings) == {"email": 5400, "sms": 600, "push": 30}


def test_channels_that_are_off_plan_nothing(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_EMAIL__ENABLED", "false")
    assert set(freshness_of(deployment().settings)) == {"sms", "push"}
    monkeypatch.setenv("PAUSEWIRE_SMS__PROVIDER", "none")
    assert set(freshness_of(deployment().settings)) == {"push"}
    assert freshness_of(Settings()) == {}
