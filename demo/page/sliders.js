// Gradio tells of a slider's new value when the mouse lets go of it, not after a key. The keys say
// so here, once they rest.
(() => {
  const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
  const waiting = new WeakMap();
  const letGo = (input) => {
    clearTimeout(waiting.get(input));
    waiting.set(input, setTimeout(
      () => input.dispatchEvent(new PointerEvent("pointerup", { bubbles: true })), 250));
  };
  document.addEventListener("keyup", (event) => {
    const { target, key } = event;
    if (target.matches?.(".block input[type=range]") && KEYS.includes(key)) letGo(target);
    if (target.matches?.(".block input[type=number]") && (key === "Enter" || key.startsWith("Arrow"))) {
      letGo(target);
    }
  });
  // An empty field gets its last number back.
  document.addEventListener("focusin", ({ target }) => {
    if (target.matches?.(".block input[type=number]")) target.dataset.last = target.value;
  });
  document.addEventListener("focusout", ({ target }) => {
    if (!target.matches?.(".block input[type=number]") || target.value !== "") return;
    target.value = target.dataset.last || target.min;
    target.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
