def test_sending_is_on_until_somebody_pauses_it(command):
    assert command.json("sending", "status") == {"sending": "on", "since": None, "reason": None}


def test_the_pause_and_its_reason_are_kept_for_whoever_looks_next(command):
    told = command.run("sending", "pause", "--reason", "the provider is on fire").stdout
    assert "pausewire sending resume" in told
    found = command.json("sending", "status")
    assert (found["sending"], found["reason"]) == ("paused", "the provider is on fire")
    assert found["since"].endswith("Z")


def test_resuming_turns_it_on_again(command):
    command.run("sending", "pause")
    assert command.run("sending", "resume").stdout == "sending goes on\n"
    shown = command.run("sending", "status").stdout
    assert shown.splitlines()[0].split() == ["sending", "on"]
