// node tell.mjs RPC EVENTS STREAMS TOLD: compile, deploy, and have the contract tell so many events.
import { readFileSync, writeFileSync } from "node:fs";
import solc from "solc";
import { createPublicClient, createWalletClient, encodeFunctionData, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

const [rpc, events, streams, told] = process.argv.slice(2);
const PER_BLOCK = 100;
// The first of the accounts that every anvil has.
const account = privateKeyToAccount(
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
);
const sources = { "Streams.sol": { content: readFileSync(new URL("Streams.sol", import.meta.url), "utf8") } };
const settings = { outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } };
const made = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
const { abi, evm } = made.contracts["Streams.sol"].Streams;
const transport = http(rpc);
const chain = createPublicClient({ chain: foundry, transport });
const wallet = createWalletClient({ account, chain: foundry, transport });

const hash = await wallet.deployContract({ abi, bytecode: `0x${evm.bytecode.object}` });
const { contractAddress: address } = await chain.waitForTransactionReceipt({ hash, pollingInterval: 50 });
let nonce = await chain.getTransactionCount({ address: account.address });
for (let first = 0; first < Number(events); first += PER_BLOCK) {
  const count = Math.min(PER_BLOCK, Number(events) - first);
  const data = encodeFunctionData({ abi, functionName: "tell", args: [first, count, Number(streams)] });
  // Mined as it comes: a block each, as our ledgers hold a hundred events each.
  await wallet.sendTransaction({
    to: address, data, nonce: nonce++, gas: 2_000_000n, gasPrice: 2_000_000_000n, type: "legacy",
  });
}
// Only what lies deeper than this is final, and only that is backfill.
await chain.request({ method: "anvil_mine", params: ["0x80"] });
writeFileSync(told, JSON.stringify({ abi, address }));
console.log(JSON.stringify({ address, blocks: Number(await chain.getBlockNumber()) }));
