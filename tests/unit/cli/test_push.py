"""`pausewire push`: a pair of keys that settings take and browsers understand."""

import base64

from config.push_settings import decoded_vapid_key


def test_a_pair_is_made_that_belongs_together_and_is_new_each_time(command, monkeypatch):
    made = command.json("push", "keys")
    decoded_vapid_key(made["vapid_key"])
    assert len(base64.urlsafe_b64decode(made["public_key"] + "=")) == 65
    assert command.json("push", "keys") != made
    monkeypatch.setenv("PAUSEWIRE_PUSH__VAPID_KEY", made["vapid_key"])
    monkeypatch.setenv("PAUSEWIRE_PUSH__VAPID_SUBJECT", "mailto:ops@example.test")
    assert command.json("push", "public-key") == {"public_key": made["public_key"]}


def test_without_a_key_there_is_no_web_push(command, monkeypatch):
    monkeypatch.delenv("PAUSEWIRE_PUSH__VAPID_KEY", raising=False)
    monkeypatch.setenv("PAUSEWIRE_ENVIRONMENT", "testnet")
    assert "push.vapid_key" in command.run("push", "public-key", code=2).output
