// The service worker: keeps the files of the page, so that it works offline once loaded, and isolates it,
// which threads need, where the host does not send the headers.
const CACHE = "stylekernel-@VERSION@";
// What a page loads before this worker hears of it.
const SCRIPTS = ["app", "colors", "engine", "files", "live", "network", "page", "photo", "picker", "pixels", "reading", "support", "viewer", "worker"];
const SHELL = ["./", "style.css", "pictures.json", "pictures/strip.webp", ...SCRIPTS.map((name) => `js/${name}.js`)];

// Without room to keep files, or leave to, the page works online: nothing here may stop it.
const ignore = () => {};

addEventListener("install", (event) => {
  const fill = async () => {
    await caches.open(CACHE).then((cache) => cache.addAll(SHELL)).catch(ignore);
    await skipWaiting();
  };
  event.waitUntil(fill());
});
addEventListener("activate", (event) => {
  const clear = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("stylekernel-") && name !== CACHE).map((name) => caches.delete(name)));
    await clients.claim();
  };
  event.waitUntil(clear());
});

const isolated = (response) => {
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
};
const answer = async (event) => {
  const { request } = event;
  const cache = await caches.open(CACHE).catch(ignore);
  const kept = await cache?.match(request, { ignoreSearch: true }).catch(ignore);
  if (kept) return isolated(kept);
  const response = await fetch(request);
  if (response.status === 200) event.waitUntil(cache?.put(request, response.clone()).catch(ignore));
  return isolated(response);
};
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(registration.scope)) event.respondWith(answer(event));
});
