// The worker: ONNX Runtime and the network. The page never waits for it.
import { fetchBytes } from "./files.js";
import { Network } from "./network.js";
import { recolor, transfer } from "./colors.js";
import { asFloats, fromCanvas, resize, toCanvas } from "./pixels.js";

const BUILDS = {
  wasm: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded"],
  webgpu: ["ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify"],
};
// Longest side in px at which a painting's colours are measured.
const PALETTE_SIDE = 1024;
const at = (path) => new URL(`../${path}`, import.meta.url);

let network = null;
let drawing = null;
const paintings = new Map();
const memory = { held: 0.8 };
const cancelled = new Set();

/** Load the runtime and the models: `backend` is "wasm" or "webgpu". */
async function start({ backend, threads }) {
  const [script, binary] = BUILDS[backend];
  let loaded = 0;
  const onBytes = (count) => {
    loaded += count;
    postMessage({ type: "loading", loaded });
  };
  const names = ["style", "transform", "measure"];
  const [ort, wasm, facts, weights, ...models] = await Promise.all([
    import(at(`ort/${script}`)),
    fetchBytes(at(`ort/${binary}.wasm.gz`), onBytes),
    fetch(at("models/network.json")).then((response) => response.json()),
    fetchBytes(at("models/weights.bin"), onBytes),
    ...names.map((name) => fetchBytes(at(`models/${name}.onnx`), onBytes)),
  ]);
  Object.assign(ort.env.wasm, { wasmBinary: wasm, numThreads: threads, wasmPaths: { mjs: at(`ort/${binary}.mjs`).href } });
  ort.env.logLevel = "error";
  const options = {
    executionProviders: [backend],
    externalData: [{ path: "weights.bin", data: new Uint8Array(weights) }],
    graphOptimizationLevel: "all",
    // Not what it thinks of its own plans.
    logSeverityLevel: 3,
  };
  const sessions = {};
  for (const [index, name] of names.entries()) {
    sessions[name] = await ort.InferenceSession.create(new Uint8Array(models[index]), options);
  }
  network = new Network(ort, facts, sessions);
  if (backend === "webgpu") {
    const device = await ort.env.webgpu.device;
    device.lost.then(({ message }) => postMessage({ type: "lost", message }));
  }
  return { threads, backend };
}

/** Encode a painting under a name; `palette` keeps its colours as well. */
async function encode({ name, pixels }) {
  const picture = fromCanvas(pixels), style = await network.encode(picture);
  const scale = Math.min(1, PALETTE_SIDE / Math.min(picture.height, picture.width));
  const palette = scale < 1 ? resize(picture, Math.round(picture.height * scale), Math.round(picture.width * scale), { bicubic: true }) : picture;
  paintings.set(name, { style, palette });
  return {};
}

async function stylize({ id, pixels, names, shares, strength, strokeScale, color, onePiece, tile }) {
  const photo = fromCanvas(pixels), chosen = names.map((name) => paintings.get(name));
  const total = shares.reduce((sum, share) => sum + share, 0), parts = shares.map((share) => share / total);
  let result;
  if (color === "transfer") {
    result = transfer(photo, chosen.map(({ palette }) => palette), parts, strength);
  } else {
    const style = network.mixture(chosen.map((each) => each.style), parts);
    const onStep = async (share) => {
      postMessage({ type: "progress", id, share });
      // What came meanwhile is heard, so that work can be cancelled.
      await new Promise((resume) => setTimeout(resume));
      if (cancelled.delete(id)) throw new Error("cancelled");
    };
    result = recolor(await network.stylize(photo, { style, strength, strokeScale }, { onStep, onePiece, tile }), photo, color);
  }
  return { width: photo.width, height: photo.height, data: toCanvas(result) };
}

/** Stylize a frame of a camera: an ImageBitmap, mirrored if asked for. */
async function frame({ bitmap, width, height, names, shares, strength, color, mirror, steady }) {
  drawing ??= new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (drawing.canvas.width !== width || drawing.canvas.height !== height) {
    Object.assign(drawing.canvas, { width, height });
    memory.statistics = memory.own = null;
  }
  drawing.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
  drawing.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  memory.held = steady ? 0.8 : 0;
  const photo = asFloats(fromCanvas(drawing.getImageData(0, 0, width, height)));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const style = network.mixture(names.map((name) => paintings.get(name).style), shares.map((share) => share / total));
  const made = await network.frame(photo, style, strength, memory);
  return { width, height, data: toCanvas(color === "style" ? made : recolor(made, photo, color)) };
}

const JOBS = { start, encode, stylize, frame };
let queue = Promise.resolve();
addEventListener("message", ({ data: order }) => {
  if (order.type === "cancel") return void cancelled.add(order.job);
  // One after the other: a session runs once at a time.
  queue = queue.then(async () => {
    if (cancelled.delete(order.id)) return postMessage({ type: "failed", id: order.id, message: "cancelled" });
    try {
      const result = await JOBS[order.type](order);
      postMessage({ type: "done", id: order.id, result }, result.data ? [result.data.buffer] : []);
    } catch (error) {
      postMessage({ type: "failed", id: order.id, message: String(error?.message ?? error) });
    } finally {
      cancelled.delete(order.id);
    }
  });
});
