"""The record of caught messages survives restarts and torn lines."""

import json

from simulator.catchers.caught import Caught


def test_a_message_is_on_file_when_record_returns(tmp_path):
    path = tmp_path / "mail.ndjson"
    caught = Caught(path)
    caught.record({"to": "ana", "text": "grüße"})
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["text"] == "grüße"
    assert "received_at" in json.loads(line)
    caught.close()


def test_a_restart_goes_on_after_the_last_whole_line(tmp_path):
    path = tmp_path / "sms.ndjson"
    path.write_text('{"to":"a"}\n{"to":"b"}\n{"to":"c')
    caught = Caught(path)
    caught.record({"to": "d"})
    assert [message["to"] for message in caught.newest_first()] == ["d", "b", "a"]
    caught.close()
    assert [json.loads(line)["to"] for line in path.read_text().splitlines()] == ["a", "b", "d"]
