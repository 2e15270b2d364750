// Who was told of a pause, when and how: asked for when somebody opens it.

import { ask } from "./api.js";
import { h, show } from "./dom.js";
import { inSeconds, moment, t, term } from "./words.js";

const opened = new Set(); // a repaint keeps open what was opened

export function told(path, pause) {
  const body = h("div", { class: "told-body" });
  const details = h("details", { class: "told", open: opened.has(pause.id), ontoggle: () => {
    if (!details.open) return opened.delete(pause.id);
    opened.add(pause.id);
    return load();
  } }, h("summary", {}, t(pause.notified ? "told.yes" : "told.no")), body);

  async function load() {
    if (!body.hasChildNodes()) show(body, h("p", { class: "quiet", role: "status" }, t("state.loading")));
    try {
      const events = [...new Set([pause.start_event_id, pause.end_event_id].filter(Boolean))];
      const pages = await Promise.all(events.map((event_id) => ask(`${path}/notices`, { event_id, limit: 50 })));
      const notices = pages.flatMap((page) => page.items).reverse();
      show(body, notices.length ? h("ul", {}, notices.map(notice)) : h("p", { class: "quiet" }, t("told.nobody")));
    } catch {
      show(body, h("p", { role: "alert" }, t("state.offline_title")));
    }
  }

  return details;
}

function notice(each) {
  const happened = Date.parse(each.happened_at);
  return h("li", {}, h("span", {}, each.role ? term("role", each.role) : t("told.erased"), ": ", term("kind", each.kind)),
    h("ul", { class: "ways" }, each.deliveries.map((way) => h("li", { "data-state": way.state },
      h("span", {}, term("channel", way.channel)), " ",
      way.told_at
        ? h("time", { datetime: way.told_at, title: moment(way.told_at) }, t("told.after", { time: inSeconds(Math.max(0, (Date.parse(way.told_at) - happened) / 1000)) }))
        : h("span", { class: "quiet" }, term("state_of", way.state))))));
}
