// The page: what is asked for becomes a picture.
import { Engine } from "./engine.js";
import { $, hush, save, say, showProgress, wordsFor } from "./page.js";
import { fillPhotos, photo, takePhoto } from "./photo.js";
import { addressOf, fillPicker, palette } from "./picker.js";
import { asBlob } from "./reading.js";
import { cannotWork, isSlow } from "./support.js";
import { view } from "./viewer.js";
import * as live from "./live.js";

const FIRST_PHOTO = "Coffee", FIRST_PAINTING = "Swirling oil";
const inputs = { strength: $("#strength"), strokeScale: $("#stroke-scale"), color: $("#color") };
export let engine = null;
let running = null;
let again = false;

const settings = () => ({ strength: Number(inputs.strength.value), strokeScale: Number(inputs.strokeScale.value), color: inputs.color.value });

/** Load the service worker first, so that what is loaded is kept; a page that it must isolate is loaded again. */
async function keepOffline() {
  if (!navigator.serviceWorker || new URLSearchParams(location.search).has("no-worker")) return;
  try {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resume) => navigator.serviceWorker.addEventListener("controllerchange", resume, { once: true }));
    }
    if (!crossOriginIsolated && window.top === window && !sessionStorage.isolating) {
      sessionStorage.isolating = "1";
      location.reload();
      await new Promise(() => {});
    }
  } catch (error) {
    console.warn(`This page will not work offline: ${error.message}`);
  }
}

/** Stylize the photo on the page. While one is made, the next waits, and only the last one asked for is made. */
async function stylize() {
  if (!engine && photo()) {
    const pixels = photo().small();
    view(pixels, pixels, "The photo, to be stylized once the network is there");
  }
  if (!engine || !photo() || document.body.dataset.view !== "photo") return;
  if (running) {
    again = true;
    return;
  }
  running = new AbortController();
  document.body.dataset.busy = "true";
  try {
    const { paintings, shares, words } = palette(), pixels = photo().small();
    await engine.encode(paintings);
    const made = await engine.call("stylize", { pixels, names: paintings.map(({ name }) => name), shares, ...settings() });
    view(pixels, made, `The photo in the style of ${words}`);
    $("#download").disabled = false;
  } catch (error) {
    if (error.message !== "cancelled") say(wordsFor(error));
  } finally {
    running = null;
    document.body.dataset.busy = "false";
  }
  if (again) {
    again = false;
    await stylize();
  }
}

async function download() {
  hush();
  const control = new AbortController(), onCancel = () => control.abort();
  const type = $("input[name=format]:checked").value;
  const tell = (share) => showProgress("Stylizing the photo at full size", share, onCancel);
  $("#download").disabled = true;
  tell(0);
  try {
    const { paintings, shares } = palette(), { name } = photo(), pixels = photo().full();
    // What was asked for is made, even if controls move meanwhile.
    const asked = settings();
    await engine.encode(paintings);
    const made = await engine.call("stylize", { pixels, names: paintings.map((each) => each.name), shares, ...asked }, { onProgress: tell, signal: control.signal });
    save(await asBlob(made, type), `${name} in the style of ${paintings.map(({ title }) => title).join(" and ")}.${type === "image/png" ? "png" : "jpg"}`);
  } catch (error) {
    if (error.message !== "cancelled") say(wordsFor(error));
  } finally {
    showProgress(null);
    $("#download").disabled = false;
  }
}

const tabs = [$("#tab-photo"), $("#tab-live")];
function open(name) {
  document.body.dataset.view = name;
  for (const tab of tabs) {
    tab.ariaSelected = String(tab.id === `tab-${name}`);
    tab.tabIndex = tab.ariaSelected === "true" ? 0 : -1;
  }
  $("#stage").setAttribute("aria-labelledby", `tab-${name}`);
  hush();
  if (name === "photo") {
    live.stop();
    stylize();
  }
}

function listen() {
  for (const tab of tabs) {
    tab.addEventListener("click", () => open(tab.id.slice(4)));
    tab.addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = tabs.find((each) => each !== tab);
      other.focus();
      other.click();
    });
  }
  for (const range of document.querySelectorAll(".range input")) {
    const show = () => {
      $("output", range.parentElement).textContent = range.value;
      range.style.setProperty("--fill", `${(100 * (range.value - range.min)) / (range.max - range.min)}%`);
    };
    range.addEventListener("input", show);
    show();
    range.addEventListener("change", stylize);
  }
  inputs.color.addEventListener("change", stylize);
  $("#download").addEventListener("click", download);
  $("#open-camera").addEventListener("click", () => {
    open("live");
    live.start();
  });
  $("#take-photo").addEventListener("click", async () => {
    const frame = await live.grab();
    open("photo");
    takePhoto(frame, "camera");
  });
}

/** Load the rest for offline use once nothing else is to be done: the paintings not taken so far. */
const loadRest = (listed) => {
  const next = () => {
    const painting = listed.shift();
    if (painting) fetch(addressOf(painting.source)).then(() => setTimeout(next, 50), () => {});
    else document.body.dataset.offline = "true";
  };
  next();
};

async function main() {
  const missing = cannotWork();
  if (missing) return say(missing);
  listen();
  await keepOffline();
  $("#slow").textContent = isSlow() ?? "";
  const listed = await (await fetch("pictures.json")).json();
  const { bytes } = await (await fetch("models/network.json")).json();
  const onLoading = (loaded) => {
    if (engine) return;
    if (loaded >= bytes) showProgress("Starting the network");
    else showProgress(`Loading the network: ${(loaded / 1e6).toFixed(1)} of ${(bytes / 1e6).toFixed(1)} MB`, loaded / bytes);
  };
  fillPicker(listed.paintings, FIRST_PAINTING, stylize);
  const photoIsThere = fillPhotos(listed.photos, FIRST_PHOTO, stylize);
  const starting = new Engine("wasm", { onLoading });
  live.setUp(starting, () => ({ ...palette(), ...settings() }));
  try {
    await starting.ready;
  } catch (error) {
    showProgress(null);
    return say(wordsFor(error));
  }
  engine = starting;
  showProgress(null);
  await photoIsThere;
  await stylize();
  document.body.dataset.ready = "true";
  if (navigator.serviceWorker?.controller) loadRest(listed.paintings);
}
main().catch((error) => say(wordsFor(error)));
