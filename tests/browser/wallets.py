"""A wallet in a real browser: what Freighter's own script in a page does, answered by a test."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext
from stellar_sdk import Keypair

from tests.fakes.wallet import signed

Answers = Callable[[str, dict[str, Any]], dict[str, Any] | None]

_SCRIPT = """
window.addEventListener("message", async ({ source, data }) => {
  if (source !== window || data?.source !== "FREIGHTER_EXTERNAL_MSG_REQUEST") return;
  const told = await window.walletAnswers(data.type, data);
  if (!told) return;
  const answer = { source: "FREIGHTER_EXTERNAL_MSG_RESPONSE", messagedId: data.messageId, ...told };
  window.postMessage(answer, location.origin);
});
"""


def install(context: BrowserContext, answers: Answers) -> None:
    """Every page of the context has this wallet."""
    context.expose_function("walletAnswers", answers)
    context.add_init_script(_SCRIPT)


def keep_session(context: BrowserContext, session: str) -> None:
    """Pages of the context begin signed in; who signs out there stays so. `session`: JSON."""
    kept = json.dumps(session)
    begin = (
        f"sessionStorage.setItem('begun', '1'); sessionStorage.setItem('pausewire.session', {kept})"
    )
    context.add_init_script(f"if (!sessionStorage.getItem('begun')) {{ {begin}; }}")


class Wallet:
    """Somebody's wallet. `willing`: they confirm; `text`: what is signed instead of what was asked."""

    def __init__(
        self, keypair: Keypair, *, willing: bool = True, text: str | None = None, there: bool = True
    ) -> None:
        self.keypair = keypair
        self.willing = willing
        self.text = text
        self.there = there
        self.asked: list[dict[str, Any]] = []

    def __call__(self, kind: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Answer as Freighter 5 does; None: as one that is not installed."""
        self.asked.append(body)
        if not self.there:
            return None
        if kind == "REQUEST_CONNECTION_STATUS":
            return {"isConnected": True}
        if kind == "REQUEST_ACCESS":
            return {"publicKey": self.keypair.public_key}
        if not self.willing:
            return {"apiError": {"code": -4, "message": "The user rejected this request."}}
        message = body["blob"] if self.text is None else self.text
        return {"signedBlob": signed(self.keypair, message), "signerAddress": body["accountToSign"]}
