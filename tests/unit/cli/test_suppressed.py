PHONE = "+15550100001"


def test_a_place_is_suppressed_seen_and_written_to_again(command):
    said = command.json("recipients", "suppress", "sms", PHONE)
    assert said == {"channel": "sms", "suppressed": "operator"}
    (found,) = command.json("recipients", "suppressed")
    assert (found["channel"], found["reason"], found["source"]) == ("sms", "operator", "operator")
    assert found["since"].endswith("Z")
    table = command.run("recipients", "suppressed").stdout
    assert found["destination_hash"] in table
    assert PHONE not in table
    lifted = command.json("recipients", "unsuppress", "sms", PHONE)
    assert lifted == {"channel": "sms", "lifted": ["operator"]}
    assert command.json("recipients", "suppressed") == []
    assert command.run("recipients", "suppressed").stdout == "Suppressed: none\n"


def test_a_place_is_of_one_channel(command):
    command.run("recipients", "suppress", "sms", PHONE)
    assert command.json("recipients", "unsuppress", "email", PHONE)["lifted"] == []
    assert len(command.json("recipients", "suppressed")) == 1
    assert "email, sms, push" in command.run("recipients", "suppress", "fax", "1", code=2).stderr
