// The page's side of the worker: calls with promises, and words for what went wrong.

export class Engine {
  /** `backend` is "wasm" or "webgpu"; `onLoading` gets the bytes loaded, `onLost` is called for a lost GPU. */
  constructor(backend, { onLoading = () => {}, onLost = () => {} } = {}) {
    this.onLost = onLost;
    this.calls = new Map();
    this.encoded = new Map();
    this.next = 0;
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => {
      if (data.type === "loading") return onLoading(data.loaded);
      if (data.type === "lost") return this.lose();
      const call = this.calls.get(data.id);
      if (data.type === "progress") return call?.onProgress?.(data.share);
      this.calls.delete(data.id);
      if (data.type === "done") call?.resolve(data.result);
      else call?.reject(this.error(data.message));
    });
    this.worker.addEventListener("error", (event) => this.stop(event.message || "The worker could not be started."));
    const threads = crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, 8) : 1;
    this.ready = this.call("start", { backend, threads });
    this.ready.catch(() => {});
  }

  error(message) {
    return Object.assign(new Error(message), { engine: this });
  }

  /** End the worker; calls that wait fail. */
  stop(message = "cancelled") {
    this.worker.terminate();
    this.stopped = message;
    for (const call of this.calls.values()) call.reject(this.error(message));
    this.calls.clear();
  }

  /** End the worker whose GPU is lost. */
  lose() {
    this.stop("lost");
    this.onLost();
  }

  /** A call that has no answer after `patience` seconds counts as one whose GPU is lost. */
  call(type, order = {}, { transfer = [], onProgress, signal, patience = Infinity } = {}) {
    if (this.stopped) return Promise.reject(this.error(this.stopped));
    const id = this.next++;
    signal?.addEventListener("abort", () => this.worker.postMessage({ type: "cancel", job: id }));
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject, onProgress });
      this.worker.postMessage({ ...order, type, id }, transfer);
      if (patience < Infinity) setTimeout(() => this.calls.has(id) && this.lose(), 1000 * patience);
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
