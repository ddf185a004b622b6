// The tiles of the paintings. A click takes one; while mixing, a click puts it beside the last one taken.
import { $, say } from "./page.js";
import { firstPicture, pixelsOf, readAddress, readFile } from "./reading.js";

const tiles = $("#picker .tiles"), mixing = $("#mixing"), file = $("#painting-file"), share = $("#share");
const paintings = new Map();
let chosen = [];
let onChoice = () => {};

const isMixing = () => mixing.ariaChecked === "true";
/** The file of a painting in the built page. */
export const addressOf = (source) => `pictures/${source.split("/").pop().replace(/\.\w+$/, ".webp")}`;
/** The paintings that are chosen, and their shares. */
export const palette = () => {
  const second = Number(share.value);
  return {
    paintings: chosen.map((title) => paintings.get(title)),
    shares: chosen.length > 1 ? [1 - second, second] : [1],
    words: chosen.map((title) => paintings.get(title).title).join(" and "),
  };
};

const show = () => {
  for (const tile of tiles.querySelectorAll(".tile[data-name]")) {
    tile.ariaPressed = String(chosen.includes(tile.dataset.name));
  }
  $("#picker .hint").textContent = isMixing() ? "Choose two; the second one's share is among the controls." : "";
  $("#share-field").hidden = chosen.length < 2;
  if (chosen.length > 1) $("#share-name").textContent = `Share of ${paintings.get(chosen[1]).title}`;
};
const choose = (names) => {
  chosen = names;
  show();
  onChoice();
};
const take = (name) => {
  if (!isMixing()) return choose([name]);
  if (!chosen.includes(name)) return choose([...chosen, name].slice(-2));
  if (chosen.length > 1) choose(chosen.filter((each) => each !== name));
};

const addTile = (painting, background) => {
  const tile = Object.assign(document.createElement("button"), { type: "button", className: "tile", title: painting.words, ariaPressed: "false" });
  tile.dataset.name = painting.name;
  tile.style.background = `linear-gradient(to top, rgb(19 17 16 / .82), rgb(19 17 16 / 0) 55%) 0 0 / 100% 100%, ${background}`;
  const words = document.createElement("span");
  words.textContent = painting.title;
  tile.append(words);
  paintings.set(painting.name, painting);
  return tile;
};

/** Add the visitor's own paintings, and take the first of them. */
export async function addOwn(files) {
  for (const each of [...files].slice(0, 4)) {
    try {
      const bitmap = await readFile(each), name = `own-${paintings.size}`;
      const pixels = pixelsOf(bitmap, { shortSide: 1024 });
      const painting = { name, title: each.name?.replace(/\.\w+$/, "") || "Your own", words: each.name ?? "Your own painting", pixels: async () => pixels };
      $("#add-painting").after(addTile(painting, `url("${URL.createObjectURL(each)}") center / cover`));
      take(name);
    } catch (error) {
      say(error.message);
    }
  }
}

/** Fill the tiles; `first` is the title of the painting that is taken at first. */
export function fillPicker(listed, first, then) {
  listed.forEach(({ title, words, source }, index) => {
    const address = addressOf(source), place = `${(100 * index) / (listed.length - 1)}%`;
    const painting = { name: title, title, words, address, pixels: async () => pixelsOf(await readAddress(address)) };
    const strip = `url("pictures/strip.webp") ${place} 0 / ${listed.length}00% 100%`;
    tiles.append(addTile(painting, strip));
    const ribbon = document.createElement("i");
    ribbon.style.background = `url("pictures/strip.webp") ${place} 40% / ${listed.length}00% auto`;
    $("#ribbon").append(ribbon);
  });
  chosen = [first];
  show();
  onChoice = then;
  const [inner, outer] = [$(".tile[aria-pressed=true]", tiles).getBoundingClientRect(), tiles.getBoundingClientRect()];
  tiles.scrollBy(inner.x - outer.x - outer.width / 3, inner.y - outer.y - outer.height / 3);
}

tiles.addEventListener("click", (event) => {
  const tile = event.target.closest(".tile");
  if (tile?.id === "add-painting") file.click();
  else if (tile) take(tile.dataset.name);
});
mixing.addEventListener("click", () => {
  mixing.ariaChecked = String(!isMixing());
  if (!isMixing() && chosen.length > 1) choose(chosen.slice(-1));
  else show();
});
$("#surprise").addEventListener("click", () => {
  const others = [...paintings.keys()].filter((name) => !chosen.includes(name) && paintings.get(name).address);
  choose([others[Math.floor(Math.random() * others.length)]]);
  $(".tile[aria-pressed=true]", tiles).scrollIntoView({ block: "nearest", inline: "center" });
});
file.addEventListener("change", () => {
  addOwn(file.files);
  file.value = "";
});
tiles.addEventListener("dragover", (event) => event.preventDefault());
tiles.addEventListener("drop", (event) => {
  event.preventDefault();
  event.stopPropagation();
  document.body.classList.remove("dragging");
  if (firstPicture(event.dataTransfer.files)) addOwn(event.dataTransfer.files);
});
