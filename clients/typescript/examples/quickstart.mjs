import { createPausewire, items, readFeed } from "@pausewire/client";

const { PAUSEWIRE_URL: baseUrl, PAUSEWIRE_KEY: token, PAUSEWIRE_CONTRACT: contract_id, PAUSEWIRE_STREAM: stream_id } = process.env;
const api = createPausewire({ baseUrl, token });
const list = (cursor) =>
  api.GET("/v1/streams/{contract_id}/{stream_id}/pauses", { params: { path: { contract_id, stream_id }, query: { cursor } } });
for await (const pause of items(list)) console.log(pause.paused_at, pause.open ? "until now" : pause.resumed_at);
for await (const item of readFeed({ baseUrl, token, contractId: contract_id, lastEventId: "0" }))
  if (item.type === "message") console.log(item.id, item.message.kind, item.message.stream_id);
