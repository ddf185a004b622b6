// Names that Gradio's parts lack for keyboards, screen readers and phones.
(() => {
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
      // The picture says the same.
      const words = button.querySelector(".caption-label");
      if (words) set(words, "aria-hidden", "true");
    });
    // The words on it are its name, where it has any.
    document.querySelectorAll("button.upload-container[aria-label]").forEach((button) => {
      if (button.innerText.trim()) button.removeAttribute("aria-label");
    });
    document.querySelectorAll("#folder-photos input[type=file]")
      .forEach((input) => set(input, "accept", "image/*"));
    document.querySelectorAll(".empty[aria-label]").forEach((box) => set(box, "role", "img"));
    const owners = [...document.querySelectorAll("#legend .brushes span")];
    document.querySelectorAll("#canvas button.color").forEach((button, index) => {
      set(button, "aria-label", `Brush of ${owners[index]?.textContent ?? `painting ${index + 1}`}`);
      set(button, "title", button.ariaLabel);
    });
    document.querySelectorAll(".gr-accordion > .label-wrap")
      .forEach((button) => set(button, "aria-expanded", String(button.classList.contains("open"))));
  };
  // Whoever paints a region means it. (Gradio's editor says "input" without anyone's input.)
  document.addEventListener("pointerdown", (event) => {
    if (event.target.tagName !== "CANVAS" || !event.target.closest("#canvas")) return;
    const [whole, painted] = document.querySelectorAll("#region input");
    if (whole?.checked) painted.click();
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("#stylize-region")) document.querySelector("#stylize").click();
  });
  let due = false;
  const dressAll = () => {
    due = false;
    nameAll();
  };
  new MutationObserver(() => {
    if (!due) { due = true; requestAnimationFrame(dressAll); }
  }).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ["class"] });
})();
