import { ponder } from "ponder:registry";
import { pause, stream } from "ponder:schema";

ponder.on("Streams:Paused", async ({ event, context }) => {
  const { streamId, employer, employee } = event.args;
  const at = event.block.timestamp;
  await context.db
    .insert(stream)
    .values({
      id: streamId, employer, employee, status: "paused", pausedSince: at, openPause: event.id,
      pauseCount: 1,
    })
    .onConflictDoUpdate((row) => ({
      status: "paused", pausedSince: at, openPause: event.id, pauseCount: row.pauseCount + 1,
    }));
  await context.db.insert(pause).values({
    id: event.id, streamId, pausedAt: at, startBlock: event.block.number,
    startTx: event.transaction.hash,
  });
});

ponder.on("Streams:Resumed", async ({ event, context }) => {
  const id = event.args.streamId;
  const row = await context.db.find(stream, { id });
  if (row?.openPause == null) return;
  await context.db.update(pause, { id: row.openPause }).set({
    resumedAt: event.block.timestamp, endBlock: event.block.number, endTx: event.transaction.hash,
  });
  await context.db.update(stream, { id }).set({ status: "active", pausedSince: null, openPause: null });
});
