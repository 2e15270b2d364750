import { createConfig } from "ponder";
import { readFileSync } from "node:fs";

const told = JSON.parse(readFileSync(process.env.BENCH_TOLD!, "utf8"));

export default createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL },
  chains: { anvil: { id: 31337, rpc: process.env.BENCH_RPC, disableCache: false } },
  contracts: {
    Streams: { chain: "anvil", abi: told.abi, address: told.address, startBlock: 0 },
  },
});
