// The page's side of the worker: calls with promises, and words for what went wrong.

export class Engine {
  /** `backend` is "wasm" or "webgpu"; `onLoading` gets the bytes loaded, `onLost` is called for a lost GPU. */
  constructor(backend, { onLoading = () => {}, onLost = () => {} } = {}) {
    this.backend = backend;
    this.calls = new Map();
    this.encoded = new Map();
    this.next = 0;
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => {
      if (data.type === "loading") return onLoading(data.loaded);
      if (data.type === "lost") return this.stop("lost", onLost);
      const call = this.calls.get(data.id);
      if (data.type === "progress") return call?.onProgress?.(data.share);
      this.calls.delete(data.id);
      if (data.type === "done") call?.resolve(data.result);
      else call?.reject(new Error(data.message));
    });
    this.worker.addEventListener("error", (event) => this.stop(event.message || "The worker could not be started."));
    const threads = crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, 8) : 1;
    this.ready = this.call("start", { backend, threads });
    this.ready.catch(() => {});
  }

  /** End the worker; calls that wait fail. */
  stop(message = "cancelled", then = () => {}) {
    this.worker.terminate();
    this.stopped = true;
    for (const call of this.calls.values()) call.reject(new Error(message));
    this.calls.clear();
    then();
  }

  call(type, order = {}, { transfer = [], onProgress, signal } = {}) {
    if (this.stopped) return Promise.reject(new Error("cancelled"));
    const id = this.next++;
    signal?.addEventListener("abort", () => this.worker.postMessage({ type: "cancel", job: id }));
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject, onProgress });
      this.worker.postMessage({ ...order, type, id }, transfer);
    });
  }

  /** Encode paintings that were not encoded yet: objects with a name and a function `pixels`. */
  async encode(paintings) {
    await this.ready;
    for (const painting of paintings) {
      if (!this.encoded.has(painting.name)) {
        const encoding = painting.pixels().then((pixels) => this.call("encode", { name: painting.name, pixels }));
        this.encoded.set(painting.name, encoding);
        encoding.catch(() => this.encoded.delete(painting.name));
      }
      await this.encoded.get(painting.name);
    }
  }
}
