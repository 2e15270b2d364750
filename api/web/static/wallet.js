// Wallets that sign a text: Freighter by the messages that its extension listens to, and in a sandbox one
// whose people everybody knows. A wallet has `address()` and `sign(message, address)`.
//
// Freighter's protocol (npm @stellar/freighter-api 6): the page posts a request to its own window, the
// extension's script there answers with the same id, which it calls `messagedId`.

import { ask } from "./api.js";

const REQUEST = "FREIGHTER_EXTERNAL_MSG_REQUEST";
const RESPONSE = "FREIGHTER_EXTERNAL_MSG_RESPONSE";
const SPOKEN = "6.0.1"; // from 4.0.0 on it signs by SEP-53 and answers base64
const DECLINED = -4;
const PATIENCE = 2000; // for whether it is there; a person signs in their own time

export class Declined extends Error {}
export class WalletFailed extends Error {}

function asked(type, body = {}, patience = 0) {
  const messageId = Date.now() + Math.random();
  return new Promise((done) => {
    const timer = patience && setTimeout(() => finish({}), patience);
    function finish(answer) {
      clearTimeout(timer);
      window.removeEventListener("message", heard);
      done(answer);
    }
    function heard(event) {
      const { data } = event;
      if (event.source === window && data?.source === RESPONSE && data.messagedId === messageId) finish(data);
    }
    window.addEventListener("message", heard);
    window.postMessage({ source: REQUEST, messageId, type, ...body }, location.origin);
  });
}

function taken(answer) {
  const fault = answer.apiError ?? answer.error;
  if (!fault) return answer;
  if (fault.code === DECLINED) throw new Declined();
  throw new WalletFailed(String(fault.message ?? fault));
}

export async function freighterIsThere() {
  return window.freighter === true || (await asked("REQUEST_CONNECTION_STATUS", {}, PATIENCE)).isConnected === true;
}

export const freighter = {
  async address() {
    const { publicKey } = taken(await asked("REQUEST_ACCESS"));
    if (!publicKey) throw new Declined();
    return publicKey;
  },
  async sign(message, address) {
    const body = { blob: message, accountToSign: address, apiVersion: SPOKEN };
    const { signedBlob } = taken(await asked("SUBMIT_BLOB", body));
    if (!signedBlob) throw new Declined();
    return signedBlob;
  },
};

export const sandboxPeople = async () => (await ask("page/sandbox-wallet")).people;

export const sandboxWallet = (account) => ({
  address: async () => account,
  sign: async (message, address) => (await ask("page/sandbox-wallet", {}, posted({ account_id: address, message }))).signature,
});

// The options of a request with a JSON body.
export function posted(body, method = "POST") {
  return { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

// From a wallet to a session's answer: prove an address by signing what the server asks.
export async function proven(wallet, waiting) {
  const address = await wallet.address();
  const { challenge, message } = await ask("v1/auth/challenge", {}, posted({ address }));
  waiting();
  const signature = await wallet.sign(message, address);
  return ask("v1/auth/token", {}, posted({ address, challenge, signature }));
}
