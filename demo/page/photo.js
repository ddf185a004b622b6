// Ways to a photo: the button, the clipboard, a file that is dropped anywhere on the page.
(() => {
  const box = () => document.querySelector("#photo");
  // Gradio's picture input takes files that are dropped on it, with a picture in it or without.
  const give = (file) => {
    const carried = new DataTransfer();
    carried.items.add(file);
    const target = box()?.querySelector("button.upload-container, img");
    for (const type of ["dragenter", "dragover", "drop"]) {
      target?.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: carried }));
    }
  };
  const isPicture = (file) => file.type.startsWith("image/") || /\.(tiff?|bmp|avif)$/i.test(file.name);
  const nothing = () => window.stylekernel.say(
    "There is no picture in the clipboard. Copy one first, or choose a photo.");
  const choose = () => {
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
    input.addEventListener("change", () => input.files.length && give(input.files[0]));
    input.click();
  };
  const paste = async () => {
    let items = [];
    try {
      items = await navigator.clipboard.read();
    } catch {
      return window.stylekernel.say(
        "The browser does not let this page read the clipboard. Press Ctrl+V instead.");
    }
    for (const item of items) {
      const type = item.types.find((each) => each.startsWith("image/"));
      if (!type) continue;
      const data = await item.getType(type);
      return give(new File([data], `pasted.${type.split("/")[1]}`, { type }));
    }
    nothing();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("#choose-photo")) choose();
    if (event.target.closest("#paste-photo")) paste();
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("textarea, input:not([type=range]), #picker") || !box()?.checkVisibility()) return;
    const file = [...event.clipboardData.files].find(isPicture);
    if (file) give(file);
    else nothing();
  });
  // Beside the box as well: otherwise the browser leaves the page and shows the file.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    const file = [...event.dataTransfer.files].find(isPicture);
    if (file && box()?.checkVisibility()) give(file);
  });
  // What the browser cannot read, such as TIFF, is shown as the server read it.
  document.addEventListener("error", ({ target }) => {
    if (target.closest?.("#photo")) target.dataset.unreadable = target.src;
  }, true);
  // Gradio tells the place of a click by the size of the picture, which has none before it has
  // come: such a click, as while the mark moves to another place, waits for it.
  document.addEventListener("click", (event) => {
    const image = event.target.closest?.("#inside-photo")?.querySelector("img");
    if (!image || image.naturalWidth) return;
    event.stopImmediatePropagation();
    const { clientX, clientY } = event;
    image.addEventListener("load", () => image.dispatchEvent(
      new MouseEvent("click", { bubbles: true, clientX, clientY })), { once: true });
  }, true);
  window.stylekernel.showPhoto = (address) => {
    const image = document.querySelector("#photo img[data-unreadable]");
    if (image && image.src === image.dataset.unreadable) image.src = address;
  };
})();
