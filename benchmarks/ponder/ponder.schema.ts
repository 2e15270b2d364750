// The rows that our history page is made of, and no more.
import { index, onchainTable } from "ponder";

export const stream = onchainTable("stream", (t) => ({
  id: t.bigint().primaryKey(),
  employer: t.hex().notNull(),
  employee: t.hex().notNull(),
  status: t.text().notNull(),
  pausedSince: t.bigint(),
  openPause: t.text(),
  pauseCount: t.integer().notNull(),
}));

export const pause = onchainTable(
  "pause",
  (t) => ({
    id: t.text().primaryKey(),
    streamId: t.bigint().notNull(),
    pausedAt: t.bigint().notNull(),
    startBlock: t.bigint().notNull(),
    startTx: t.hex().notNull(),
    resumedAt: t.bigint(),
    endBlock: t.bigint(),
    endTx: t.hex(),
  }),
  (table) => ({ history: index().on(table.streamId, table.pausedAt, table.id) }),
);
