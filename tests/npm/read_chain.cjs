// Reads a simulated chain with the JavaScript SDK and prints as JSON what it made of it.
// node read_chain.cjs URL CONTRACT FIRST_LEDGER PAGE_LIMIT STREAM_ID
"use strict";
const { rpc, xdr, scValToNative, nativeToScVal, Contract, Account, Keypair, TransactionBuilder } =
  require("@stellar/stellar-sdk");

const [url, contractId, first, limit, streamId] = process.argv.slice(2);
const server = new rpc.Server(url, { allowHttp: true });
const u64 = (value) => nativeToScVal(BigInt(value), { type: "u64" });

async function events() {
  const filters = ["contract", "system"].map((type) => ({ type, contractIds: [contractId] }));
  let page = await server.getEvents({ startLedger: Number(first), filters, limit: Number(limit) });
  const found = [...page.events];
  while (page.events.length === Number(limit)) {
    page = await server.getEvents({ cursor: page.cursor, filters, limit: Number(limit) });
    found.push(...page.events);
  }
  const told = found.map((event) => ({
    id: event.id,
    type: event.type,
    ledger: event.ledger,
    contract: event.contractId.contractId(),
    txHash: event.txHash,
    topics: event.topic.map(scValToNative),
    value: scValToNative(event.value),
  }));
  return { told, cursor: page.cursor };
}

async function ledgers() {
  const { ledgers: found } = await server.getLedgers({ startLedger: Number(first), pagination: { limit: 100 } });
  return found.map((each) => {
    const meta = each.metadataXdr.v2();
    const header = meta.ledgerHeader();
    const counts = meta.txProcessing().map((tx) =>
      tx.txApplyProcessing().v4().operations().reduce((sum, one) => sum + one.events().length, 0));
    return {
      sequence: each.sequence,
      hash: each.hash,
      inMeta: [header.hash().toString("hex"), header.header().ledgerSeq()],
      inHeader: each.headerXdr.header().ledgerSeq(),
      events: counts.reduce((sum, one) => sum + one, 0),
    };
  });
}

async function stored() {
  const key = xdr.ScVal.scvVec([xdr.ScVal.scvSymbol("PauseHistory"), u64(streamId)]);
  const entry = await server.getContractData(contractId, key, rpc.Durability.Persistent);
  return { value: scValToNative(entry.val.contractData().val()), modified: entry.lastModifiedLedgerSeq };
}

async function viewed(network) {
  const call = new Contract(contractId).call("pause_history", u64(streamId));
  const source = new Account(Keypair.random().publicKey(), "1");
  const envelope = new TransactionBuilder(source, { fee: "100", networkPassphrase: network })
    .addOperation(call).setTimeout(30).build();
  return scValToNative((await server.simulateTransaction(envelope)).result.retval);
}

async function transaction(hash) {
  const found = await server.getTransaction(hash);
  return { status: found.status, ledger: found.ledger, operations: found.envelopeXdr.v1().tx().operations().length,
    events: found.events.contractEventsXdr.flat().length };
}

async function refusal() {
  try {
    await server.getEvents({ startLedger: 5, filters: [] });
    return null;
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

async function main() {
  const { passphrase, protocolVersion } = await server.getNetwork();
  const latest = await server.getLatestLedger();
  const all = await events();
  return {
    health: await server.getHealth(),
    passphrase,
    protocolVersion: Number(protocolVersion),
    latest: { id: latest.id, sequence: latest.sequence },
    events: all.told,
    cursor: all.cursor,
    ledgers: await ledgers(),
    stored: await stored(),
    viewed: await viewed(passphrase),
    transaction: await transaction(all.told.at(-1).txHash),
    unknown: (await server.getTransaction("0".repeat(64))).status,
    refusal: await refusal(),
  };
}

const plain = (_key, value) => (typeof value === "bigint" ? value.toString()
  : value?.type === "Buffer" ? Buffer.from(value.data).toString("hex") : value);
main().then((all) => process.stdout.write(JSON.stringify(all, plain)),
  (error) => { console.error(error); process.exit(1); });
