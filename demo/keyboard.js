// Gradio's before/after slider answers to the mouse alone: give its handle a name, a place in the
// tab order and the arrow keys. And say what the pictures show.
(() => {
  const moveBy = (handle, step) => {
    const box = handle.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const fire = (target, type, clientX) => target.dispatchEvent(
      new MouseEvent(type, { bubbles: true, cancelable: true, view: window, clientX, clientY: y }));
    fire(handle, "mousedown", x);
    fire(window, "mousemove", x + step);
    fire(window, "mouseup", x + step);
  };
  const dress = (slider) => {
    const handle = slider.querySelector(".outer");
    if (handle && handle.getAttribute("role") !== "slider") {
      handle.setAttribute("role", "slider");
      handle.setAttribute("tabindex", "0");
      handle.setAttribute("aria-label", "Before and after: arrow keys move the line");
      handle.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        moveBy(handle, (step * slider.clientWidth) / 20);
        tell(slider, handle);
      });
    }
    if (handle) tell(slider, handle);
    slider.querySelectorAll("img").forEach((image, index) => {
      const text = index ? "The photo, repainted" : "The photo as it was";
      if (image.alt !== text) image.alt = text;
    });
  };
  const tell = (slider, handle) => {
    const [inner, outer] = [handle.getBoundingClientRect(), slider.getBoundingClientRect()];
    const share = Math.round((100 * (inner.x + inner.width / 2 - outer.x)) / (outer.width || 1));
    const now = String(Math.max(0, Math.min(100, share)));
    if (handle.getAttribute("aria-valuenow") !== now) {
      handle.setAttribute("aria-valuemin", "0");
      handle.setAttribute("aria-valuemax", "100");
      handle.setAttribute("aria-valuenow", now);
    }
  };
  let due = false;
  const dressAll = () => {
    due = false;
    document.querySelectorAll("#result").forEach(dress);
  };
  new MutationObserver(() => {
    if (!due) { due = true; requestAnimationFrame(dressAll); }
  }).observe(document.documentElement, { subtree: true, childList: true });
})();
