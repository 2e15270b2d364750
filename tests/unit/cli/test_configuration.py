import pytest


def test_every_setting_is_shown_with_the_layer_it_came_from(command):
    rows = {row["key"]: row for row in command.json("config", "show")}
    assert rows["environment"]["value"] == "development"
    assert rows["environment"]["layer"] == "env PAUSEWIRE_ENVIRONMENT"
    assert rows["email.port"]["value"] == "1025"
    assert "development.yaml" in rows["email.port"]["layer"]
    assert rows["api.port"]["layer"] == "default"


def test_only_keys_that_begin_so_may_be_asked_for(command):
    rows = command.json("config", "show", "email.")
    assert rows
    assert all(row["key"].startswith("email.") for row in rows)
    assert command.json("config", "show", "no_such_key") == []


def test_people_get_a_table_without_secrets(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_SMS__AUTH_TOKEN", "tok-very-secret")
    told = command.run("config", "show").output
    assert "sms.auth_token" in told
    assert "tok-very-secret" not in told


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_settings_that_can_be_used_pass_the_check(command, arguments):
    assert "development" in command.run("config", "check", *arguments).output


def test_every_fault_fails_the_check(command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_API__PORT", "x")
    monkeypatch.setenv("PAUSEWIRE_EMAIL__HOTS", "mail.example")
    told = command.run("config", "check", code=1)
    assert told.stdout == ""
    assert "2 settings are wrong" in told.stderr
    found = command.json("config", "check", code=1)
    assert found["ok"] is False
    assert {fault["key"] for fault in found["faults"]} == {
        "api.port",
        "PAUSEWIRE_EMAIL__HOTS",
    }
    assert all(fault["fix"] for fault in found["faults"])
