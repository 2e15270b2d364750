// Elements made by hand: text is always text, so nothing that a chain says can become markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("data-") || typeof value !== "boolean") element.setAttribute(name, String(value));
    else element.toggleAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

export function s(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

// Replace an element's content, and keep the focus where a control of the same id had it.
export function show(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...children.flat(Infinity).filter((child) => child));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

export function short(id) {
  return id ? `${id.slice(0, 4)}…${id.slice(-4)}` : "–";
}

// An account, contract or transaction: short to the eye, whole to the clipboard and to screen readers.
export function identity(id, href) {
  if (!id) return h("span", { class: "quiet" }, "–");
  const shown = [h("span", { "aria-hidden": "true" }, short(id)), h("span", { class: "unseen" }, id)];
  if (href) {
    return h("a", { class: "id", href, title: id, target: "_blank", rel: "noopener noreferrer" }, shown);
  }
  return h("bdi", { class: "id", title: id, dir: "ltr" }, shown);
}
