// The live camera: one frame at a time is stylized; those that come meanwhile are dropped.
import { $, draw, hush, save, say, wordsFor } from "./page.js";
import { Engine } from "./engine.js";
import { shape } from "./viewer.js";
import { cameraRefused, findGpu, noCamera } from "./support.js";

const SIZES = [120, 160, 200, 240, 300, 360, 480];
/** Frames a second that the size is chosen for. */
const WANTED = 12;
/** Short side in px of the frames by which engines are timed. */
const PROBE = 200;
/** Seconds after which a GPU that has not answered counts as lost. */
const PATIENCE = 10;

const figure = $("#live"), canvas = $("canvas", figure), counter = $(".counter", figure);
const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
let wasm = null;
/** The one in use: `wasm`, or that of the GPU. */
let engine = null;
let stream = null;
let side = null;
let recorder = null;
let order = () => ({});
/** The trial of the GPU: null where the next start of the camera begins one. */
let trial = null;
/** Whether the camera waits while the GPU is timed. */
let isTiming = false;

for (const each of SIZES) $("#live-size").append(new Option(`${each} px high`, each));

/** `pageEngine` is the engine of the page; `ask` gives the paintings, shares, strength and colours of now. */
export function setUp(pageEngine, ask) {
  engine = wasm = pageEngine;
  order = ask;
}

const tell = (words) => { $("#live-note").textContent = words; };

/** Stylize a picture, or the camera's frame of now, by an engine. */
async function stylizeFrame(by, short, picture = video) {
  const { paintings, shares, strength, color } = order();
  const sides = [picture.videoWidth ?? picture.width, picture.videoHeight ?? picture.height];
  const [width, height] = sides.map((each) => Math.round((each * short) / Math.min(...sides)));
  await by.encode(paintings);
  const bitmap = await createImageBitmap(picture, { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" });
  const names = paintings.map(({ name }) => name);
  return by.call("frame", {
    bitmap, width, height, names, shares, strength, color: color === "transfer" ? "style" : color,
    mirror: $("#mirror").checked, steady: $("#steady").checked,
  }, { transfer: [bitmap], patience: by === engine && by !== wasm ? PATIENCE : Infinity });
}

/** Seconds that a frame takes, the fastest of three after a first one that warms up. */
async function timeOf(by, picture) {
  await stylizeFrame(by, PROBE, picture);
  const times = [];
  for (let count = 0; count < 3; count++) {
    const start = performance.now();
    await stylizeFrame(by, PROBE, picture);
    times.push((performance.now() - start) / 1000);
  }
  return Math.min(...times);
}

/** The largest size at which frames come fast enough, as time grows with the pixels. */
const sideFor = (seconds) => SIZES.filter((each) => seconds * (each / PROBE) ** 2 <= 1 / WANTED).at(-1) ?? SIZES[0];

/** Choose the size for the engine in use. The first time, the GPU is tried from then on. */
async function measure() {
  counter.hidden = false;
  counter.textContent = "Measuring how fast this machine is";
  await wasm.ready;
  const by = engine, picture = await createImageBitmap(video), seconds = await timeOf(by, picture);
  if (by === engine) side = sideFor(seconds);
  trial ??= tryGpu(picture, seconds);
}

/** Load WebGPU's engine where there is a GPU, while the processor goes on, and take it if it is faster. */
async function tryGpu(picture, onWasm) {
  let gpu = null;
  try {
    const { adapter, words } = await findGpu();
    if (!adapter) {
      trial = null;
      return tell(words);
    }
    tell("Live pictures are computed on the processor; the GPU is being tried.");
    gpu = new Engine("webgpu", { onLost: () => leaveGpu(gpu) });
    await gpu.ready;
    await stylizeFrame(gpu, PROBE, picture);
    // Four frames by each, and time for the processor to end what it has begun.
    const limit = Math.max(1, 5 * onWasm);
    isTiming = true;
    const onGpu = await Promise.race([timeOf(gpu, picture), new Promise((resume) => setTimeout(resume, 1000 * limit, Infinity))]);
    if (onGpu < onWasm) [engine, side] = [gpu, sideFor(onGpu)];
    else gpu.stop();
    tell(`A frame of ${PROBE} px took ${Math.round(onWasm * 1000)} ms on the processor, ${onGpu < Infinity ? `${Math.round(onGpu * 1000)} ms` : "much longer"} `
      + `on the GPU, so live pictures are computed on the ${engine === gpu ? "GPU" : "processor"}.`);
  } catch (error) {
    gpu?.stop();
    trial = null;
    console.warn(error);
    tell("The GPU could not be used: live pictures are computed on the processor. It is tried again when the camera is started again.");
  } finally {
    isTiming = false;
  }
}

/** Go on with the processor if this GPU is the engine in use. */
function leaveGpu(gpu) {
  gpu.stop();
  if (engine !== gpu) return;
  [engine, side] = [wasm, null];
  tell("The GPU was lost: live pictures are computed on the processor until this page is loaded again.");
  if (stream) say("The GPU was lost, as happens when its driver restarts. Live pictures go on, computed on the processor.");
}

async function openCamera() {
  const missing = noCamera();
  if (missing) throw new Error(missing);
  const chosen = $("#camera").value;
  const constraints = { video: { width: { ideal: 640 }, height: { ideal: 480 }, ...(chosen ? { deviceId: { exact: chosen } } : { facingMode: "user" }) } };
  try {
    stream = await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw new Error(cameraRefused(error));
  }
  stream.getVideoTracks()[0].addEventListener("ended", () => {
    if (stream) say("The camera was switched off, or taken by another program.");
    stop();
  });
  video.srcObject = stream;
  await video.play();
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const options = cameras.map(({ label, deviceId }, index) => new Option(label || `Camera ${index + 1}`, deviceId));
  $("#camera").replaceChildren(new Option("The usual one", ""), ...options);
  $("#camera").value = chosen;
}

/** Start the camera, and stylize its frames until it is stopped. */
export async function start() {
  hush();
  $("#start").disabled = true;
  try {
    await openCamera();
    figure.dataset.empty = "false";
    $(".idle", figure).textContent = "The camera is off. Its pictures stay on this machine.";
    shape(figure, { width: video.videoWidth, height: video.videoHeight });
    $("#start").textContent = "Stop the camera";
    $("#start").disabled = false;
    for (const button of [$("#take-photo"), $("#record")]) button.disabled = false;
    $("#record").disabled = typeof MediaRecorder !== "function" || !canvas.captureStream;
    await loop();
  } catch (error) {
    stop();
    if (error.message !== "cancelled") say(wordsFor(error));
  } finally {
    $("#start").disabled = false;
  }
}

async function loop() {
  const mine = stream, times = [];
  let shown = -1, slow = 0, ahead = null;
  side = null;
  // Begin with the frame of now, if it is a new one.
  const begin = () => {
    if (isTiming || video.currentTime === shown) return null;
    shown = video.currentTime;
    const picture = stylizeFrame(engine, Number($("#live-size").value) || side);
    picture.catch(() => {}); // It is awaited later.
    return picture;
  };
  while (stream === mine) {
    let picture;
    try {
      if (side === null) {
        await measure();
        continue;
      }
      ahead ??= begin();
      if (!ahead) {
        await new Promise((resume) => requestAnimationFrame(resume));
        continue;
      }
      picture = await ahead;
    } catch (error) {
      ahead = null;
      if (stream !== mine) break; // The camera stopped while the frame was made.
      if (!error.engine || error.engine === wasm) throw error;
      // Of a lost GPU, the frame may fail before the loss is told.
      console.warn(error);
      leaveGpu(error.engine);
      continue;
    }
    if (stream !== mine) break;
    // The next frame is on its way to the worker before this one is drawn.
    ahead = side === null ? null : begin();
    await new Promise((resume) => setTimeout(resume));
    if (stream !== mine) break;
    draw(canvas, picture);
    shape(figure, picture);
    times.push(performance.now());
    if (times.length > 12) times.shift();
    const rate = times.length > 1 ? (1000 * (times.length - 1)) / (times.at(-1) - times[0]) : 0;
    counter.textContent = `${rate.toFixed(rate < 10 ? 1 : 0)} frames a second, ${picture.width}x${picture.height}`;
    counter.dataset.frames = Number(counter.dataset.frames ?? 0) + 1;
    // Slower than it was measured, for a while: one size smaller.
    slow = times.length === 12 && rate < 0.7 * WANTED ? slow + 1 : 0;
    if (slow > 12 && side > SIZES[0]) [side, slow, times.length] = [SIZES[SIZES.indexOf(side) - 1], 0, 0];
  }
}

export function stop() {
  recorder?.stop();
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
  figure.dataset.empty = "true";
  counter.hidden = true;
  $("#start").textContent = "Start the camera";
  for (const button of [$("#take-photo"), $("#record")]) button.disabled = true;
}

/** The camera's frame of now, as it is, for a photo. */
export const grab = () => createImageBitmap(video);

$("#start").addEventListener("click", () => (stream ? stop() : start()));
$("#camera").addEventListener("change", () => {
  if (!stream) return;
  stop();
  start();
});
$("#record").addEventListener("click", () => {
  if (recorder) return recorder.stop();
  const type = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"].find((each) => MediaRecorder.isTypeSupported(each));
  if (!type) return say("This browser cannot record videos from a page.");
  const parts = [];
  recorder = new MediaRecorder(canvas.captureStream(), { mimeType: type, videoBitsPerSecond: 5_000_000 });
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  recorder.addEventListener("stop", () => {
    recorder = null;
    Object.assign($("#record"), { textContent: "Record", ariaPressed: "false" });
    save(new Blob(parts, { type }), `stylekernel.${type.includes("mp4") ? "mp4" : "webm"}`);
  });
  recorder.start();
  Object.assign($("#record"), { textContent: "Stop and save", ariaPressed: "true" });
});
