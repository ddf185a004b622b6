// What Gradio's parts lack for keyboards, screen readers and phones.
//
// The before/after slider answers to the mouse alone: its handle gets a name, a place in the tab
// order and the arrow keys, and its pictures say what they show.
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
      const text = index ? "The photo, stylized" : "The photo as it was";
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
  const set = (element, name, value) => {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const nameAll = () => {
    // "Thumbnail 3 of 28" says less than the caption. All pictures are wanted, below the fold too.
    document.querySelectorAll("#gallery .thumbnail-item").forEach((button) => {
      const caption = button.querySelector(".caption-label")?.textContent.trim();
      if (caption) set(button, "aria-label", caption);
      const image = button.querySelector("img");
      if (image) set(image, "loading", "eager");
    });
    // The words on it are its name, where it has any.
    document.querySelectorAll("button.upload-container[aria-label]").forEach((button) => {
      if (button.innerText.trim()) button.removeAttribute("aria-label");
    });
    document.querySelectorAll("#own-paintings img").forEach((image, index) => {
      set(image, "alt", `Painting ${index + 1} of your own`);
    });
    document.querySelectorAll(".empty[aria-label]").forEach((box) => set(box, "role", "img"));
    const owners = [...document.querySelectorAll("#legend .brushes span")];
    document.querySelectorAll("#canvas button.color").forEach((button, index) => {
      set(button, "aria-label", `Brush of ${owners[index]?.textContent ?? `painting ${index + 1}`}`);
      set(button, "title", button.ariaLabel);
    });
    document.querySelectorAll(".gr-accordion > .label-wrap")
      .forEach((button) => set(button, "aria-expanded", String(button.classList.contains("open"))));
  };
  // On a phone the paintings are a strip: begin where the chosen one is.
  let begun = false;
  const showChosen = () => {
    const chosen = !begun && document.querySelector("#paintings label:has(input:checked)");
    if (!chosen) return;
    begun = true;
    const strip = chosen.parentElement;
    strip.scrollLeft = chosen.offsetLeft - strip.offsetLeft - strip.clientWidth / 3;
  };
  // Whoever paints a region means it. (Gradio's editor says "input" without anyone's input.)
  document.addEventListener("pointerdown", (event) => {
    if (event.target.tagName !== "CANVAS" || !event.target.closest("#canvas")) return;
    const [whole, painted] = document.querySelectorAll("#region input");
    if (whole?.checked) painted.click();
  }, true);
  let due = false;
  const dressAll = () => {
    due = false;
    document.querySelectorAll("#result").forEach(dress);
    nameAll();
    showChosen();
  };
  new MutationObserver(() => {
    if (!due) { due = true; requestAnimationFrame(dressAll); }
  }).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ["class"] });
})();
