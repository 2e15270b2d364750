// Whoever looks at the page and moves has seen what it tells; a scanner that only renders it has not.
//
// One POST at the first key, touch, click or turn of the wheel that the browser vouches for. Without a script
// the button does the same.

const SIGNS = ["pointerdown", "keydown", "wheel", "touchstart"];
const form = document.getElementById("seen");

async function acted(event) {
  if (!event.isTrusted || document.visibilityState !== "visible") return;
  for (const sign of SIGNS) removeEventListener(sign, acted);
  const answer = await fetch(form.action, { method: "POST", keepalive: true });
  if (!answer.ok) return;
  form.hidden = true;
  document.getElementById("said").hidden = false;
}

if (!form.hidden) for (const sign of SIGNS) addEventListener(sign, acted, { passive: true });
