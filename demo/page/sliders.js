// Gradio tells of a slider's new value when the mouse lets go of it, not after a key. The keys say
// so here, once they rest.
(() => {
  const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
  const waiting = new WeakMap();
  const letGo = (input) => {
    input.dataset.told = input.value;
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
  // An empty field gets its last number back, and one that says nothing new says nothing.
  document.addEventListener("focusin", ({ target }) => {
    if (target.matches?.(".block input[type=number]")) {
      target.dataset.last = target.dataset.told = target.value;
    }
  });
  document.addEventListener("blur", (event) => {
    const { target } = event;
    if (target.matches?.(".block input[type=number]") && target.value === target.dataset.told) {
      event.stopImmediatePropagation();
    }
  }, true);
  document.addEventListener("focusout", ({ target }) => {
    if (!target.matches?.(".block input[type=number]") || target.value !== "") return;
    target.value = target.dataset.last || target.min;
    target.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
