// What a browser does with a push message while no page is open: it shows it, and tells the pages that are.
//
// A message has `id` (a repeat has the same), `tag` (the next one of a stream takes its place), `kind`,
// `title`, `body`, `at` in unix seconds. Nothing is fetched, nothing is kept.

const base = new URL("../", self.location);

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(told(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(opened());
});

async function told(data) {
  const said = read(data);
  const shown = await self.registration.getNotifications({ tag: said.tag });
  const repeated = shown.some((each) => each.data?.id === said.id);
  await self.registration.showNotification(said.title, {
    body: said.body,
    tag: said.tag,
    renotify: !repeated,
    silent: repeated,
    timestamp: said.at * 1000,
    icon: new URL("page/icon.svg", base).href,
    data: { id: said.id },
  });
  for (const page of await pages()) page.postMessage({ pushed: said });
}

// Whatever comes is shown: a browser takes the right to push away from who shows nothing.
function read(data) {
  const empty = { id: "", tag: "pausewire", kind: "", title: "Pausewire", body: "", at: Date.now() / 1000 };
  try {
    return { ...empty, ...data.json() };
  } catch {
    return empty;
  }
}

// This deployment's page: other documents, and other deployments, stand under other paths of the same host.
async function pages() {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter((each) => new URL(each.url).pathname === base.pathname);
}

async function opened() {
  const [page] = await pages();
  if (page === undefined) return self.clients.openWindow(new URL("#/inbox", base));
  page.postMessage({ show: "#/inbox" });
  return page.focus();
}
