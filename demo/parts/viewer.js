// Before and after, with a line that a finger, the mouse or the arrow keys move.
const figure = element.querySelector(".viewer");
const [after, before] = element.querySelectorAll("img");
const range = element.querySelector("input");
const pictures = element.querySelector(".pictures");

let turn = 0;

const move = () => pictures.style.setProperty("--at", `${range.value}%`);
const show = async () => {
  const value = props.value;
  if (!value?.after) return;
  const [first, second] = [value.before, value.after].map((address) => {
    const image = new Image();
    image.src = address;
    return image;
  });
  turn += 1;
  const own = turn;
  // The old picture stays until the new one can be painted.
  await Promise.all([first.decode(), second.decode()]).catch(() => {});
  if (own !== turn) return;
  before.src = value.before;
  if (!value.beforeWords) window.stylekernel.showPhoto(value.before);
  after.src = value.after;
  after.alt = value.words ?? "The photo, stylized";
  before.alt = value.beforeWords ?? "The photo as it was";
  if (second.naturalWidth) {
    pictures.style.setProperty("--shape", `${second.naturalWidth} / ${second.naturalHeight}`);
    pictures.style.setProperty("--ratio", second.naturalWidth / second.naturalHeight);
  }
  figure.dataset.empty = "false";
};
range.addEventListener("input", move);
element.querySelector(".full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else figure.requestFullscreen?.();
});
window.stylekernel.view = (value) => {
  props.value = value;
  show();
};
watch("value", show);
move();
show();
