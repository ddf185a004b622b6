// What the parts of the page share: its elements, messages in words, the progress.
export const $ = (selector, from = document) => from.querySelector(selector);

const place = $(".message[role=alert]");
export function say(words) {
  $("span", place).textContent = words;
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}
export const hush = () => { place.hidden = true; };
$("button", place).addEventListener("click", hush);

/** Tell what is done, and how much of it: a share, or null while that is unknown. Null words hide it. */
export function showProgress(words, share = null, onCancel = null) {
  $("#progress").hidden = words === null;
  $("#progress-words").textContent = words ?? "";
  if (share === null) $("#progress progress").removeAttribute("value");
  else $("#progress progress").value = share;
  $("#cancel").hidden = !onCancel;
  $("#cancel").onclick = onCancel;
}

/** Words for the error of a call of the engine. */
export function wordsFor({ message }) {
  if (message === "small") return "This painting is too narrow: its short side has 512 px when it is encoded, its long one must fit.";
  if (/memory|allocat|bad_alloc|RangeError/i.test(message)) {
    return "There is not enough memory for this picture. Close other tabs, or choose a smaller photo.";
  }
  return /^[A-Z“].*\.$/.test(message) ? message : `The picture could not be made: ${message}.`;
}

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function draw(canvas, { width, height, data }) {
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(data instanceof Uint8ClampedArray ? new ImageData(data, width, height) : data, 0, 0);
}
