// Ways to a photo: the button, the clipboard, a file dropped anywhere on the page, an example, the camera.
import { $, draw, hush, say } from "./page.js";
import { firstPicture, MOST_PIXELS, pixelsOf, readAddress, readFile } from "./reading.js";

let bitmap = null;
let name = "photo";
let onPhoto = () => {};

/** The photo: `small` pixels for the page, `full` ones for the file. */
export const photo = () => bitmap && {
  name,
  width: bitmap.width,
  height: bitmap.height,
  small: () => pixelsOf(bitmap, { shortSide: 512, most: 1_500_000 }),
  full: () => pixelsOf(bitmap),
};

/** Take a bitmap as the photo. */
export function takePhoto(fresh, title) {
  bitmap?.close();
  [bitmap, name] = [fresh, title];
  draw($("#photo"), pixelsOf(bitmap, { shortSide: 480, most: 1_500_000 }));
  for (const each of document.querySelectorAll(".examples button")) each.ariaPressed = String(each.title === title);
  hush();
  if (bitmap.width * bitmap.height > MOST_PIXELS) say(`This photo has more than ${MOST_PIXELS / 1e6} megapixels: results are scaled down to that.`);
  onPhoto();
}

const takeFile = async (file) => {
  try {
    takePhoto(await readFile(file), file.name?.replace(/\.\w+$/, "") || "photo");
  } catch (error) {
    say(error.message);
  }
};

/** Show the example photos and take the one with this title. */
export async function fillPhotos(listed, first, then) {
  onPhoto = then;
  const addressOf = ({ source }) => `pictures/${source.split("/").pop()}`;
  const takeExample = async (each) => {
    try {
      takePhoto(await readAddress(addressOf(each)), each.title);
    } catch (error) {
      say(error.message);
    }
  };
  for (const each of listed) {
    const button = Object.assign(document.createElement("button"), { type: "button", title: each.title, ariaLabel: each.words, ariaPressed: "false" });
    button.style.backgroundImage = `url("${addressOf(each)}")`;
    button.addEventListener("click", () => takeExample(each));
    $(".examples").append(button);
  }
  await takeExample(listed.find(({ title }) => title === first));
}

const file = $("#photo-file");
for (const button of [$("#choose-photo"), $("#photo-box")]) button.addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  if (file.files.length) takeFile(file.files[0]);
  file.value = "";
});
const nothing = () => say("There is no picture in the clipboard. Copy one first, or choose a photo.");
$("#paste-photo").addEventListener("click", async () => {
  let items;
  try {
    items = await navigator.clipboard.read();
  } catch {
    return say("The browser does not let this page read the clipboard. Press Ctrl+V instead.");
  }
  for (const item of items) {
    const type = item.types.find((each) => each.startsWith("image/"));
    if (type) return takeFile(new File([await item.getType(type)], "pasted", { type }));
  }
  nothing();
});
document.addEventListener("paste", (event) => {
  if (document.body.dataset.view !== "photo") return;
  const given = firstPicture(event.clipboardData.files);
  if (given) takeFile(given);
  else nothing();
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dragging"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const given = firstPicture(event.dataTransfer.files);
  if (given && document.body.dataset.view === "photo") takeFile(given);
});
