// What the browser lacks, in words. Each answer is null where nothing is missing.

// A module with one SIMD instruction, and no more.
const SIMD = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

const USE = "Use Chrome or Edge from 91, Firefox from 121 or Safari from 16.4.";

/** What keeps the page from working at all. */
export function cannotWork() {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD)) {
    return `This browser has no WebAssembly SIMD, in which the network runs. ${USE}`;
  }
  if (typeof OffscreenCanvas !== "function" || typeof DecompressionStream !== "function") {
    return `This browser is too old for this page. ${USE}`;
  }
  return null;
}

/** What makes it slow. */
export function isSlow() {
  if (crossOriginIsolated) return null;
  return window.top === window
    ? "This page runs on one processor core only, because its host does not isolate it (headers COOP and COEP)."
    : "Inside another page, the network runs on one processor core only. Open this page in a tab of its own.";
}

export function noCamera() {
  if (navigator.mediaDevices?.getUserMedia) return null;
  return isSecureContext
    ? "This browser gives pages no camera."
    : "Browsers give a camera only to pages from https:// addresses or from this machine.";
}

/** Why a camera could not be started, for the error of getUserMedia. */
export function cameraRefused(error) {
  const words = {
    NotAllowedError: "The camera may not be used: it was not allowed. Allow it in the browser's settings for this page, then start again.",
    SecurityError: "The camera may not be used: it was not allowed. Allow it in the browser's settings for this page, then start again.",
    NotFoundError: "There is no camera on this device.",
    OverconstrainedError: "There is no such camera on this device.",
    NotReadableError: "The camera is used by another program. Close that program, then start again.",
  };
  return words[error?.name] ?? `The camera could not be started: ${error?.message ?? error}.`;
}

/** A GPU that WebGPU can use, or why there is none. */
export async function findGpu() {
  if (!navigator.gpu) return { words: "This browser has no WebGPU: live pictures are computed on the processor." };
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  if (!adapter) return { words: "There is no GPU that WebGPU can use: live pictures are computed on the processor." };
  // It computes on the processor, much slower than WebAssembly does.
  if (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter) {
    return { words: "WebGPU has no GPU here, only software in its place: live pictures are computed on the processor." };
  }
  return { adapter };
}
