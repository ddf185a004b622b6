// Before and after, with a line that a finger, the mouse or the arrow keys move; pictures that fill the screen.
import { $, draw } from "./page.js";

export const shape = (figure, { width, height }) => {
  const pictures = $(".pictures", figure);
  pictures.style.setProperty("--shape", `${width} / ${height}`);
  pictures.style.setProperty("--ratio", width / height);
};

const figure = $("#result"), range = $("input", figure);
const move = () => $(".pictures", figure).style.setProperty("--at", `${range.value}%`);
range.addEventListener("input", move);
move();

/** Show the pixels of a photo and of what became of it. */
export function view(before, after, words) {
  draw($(".before", figure), before);
  draw($(".after", figure), after);
  $(".after", figure).ariaLabel = words;
  shape(figure, after);
  figure.dataset.empty = "false";
}

for (const each of document.querySelectorAll(".viewer")) {
  const button = $(".full", each);
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else each.requestFullscreen();
  });
}
