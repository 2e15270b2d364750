"""The pauses of a stream, then the feed: the HTTP API in ten lines of Python (pip install httpx)."""

import json
import os

import httpx

key, contract = os.environ["PAUSEWIRE_KEY"], os.environ["PAUSEWIRE_CONTRACT"]
api = httpx.Client(
    base_url=os.environ["PAUSEWIRE_URL"], headers={"Authorization": f"Bearer {key}"}, timeout=60
)
pauses = api.get(f"/v1/streams/{contract}/{os.environ['PAUSEWIRE_STREAM']}/pauses")
for pause in pauses.raise_for_status().json()["items"]:
    print(pause["paused_at"], "until now" if pause["open"] else pause["resumed_at"])
with api.stream("GET", "/v1/feed", params={"contract_id": contract, "last_event_id": 0}) as feed:
    for line in feed.iter_lines():
        if line.startswith("data: "):
            message = json.loads(line.removeprefix("data: "))
            if "position" in message:  # else it is the operators' word to everybody
                print(message["position"], message["kind"], message["stream_id"], flush=True)
