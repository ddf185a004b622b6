// The last results: a click goes back to one, or while comparing puts it beside the one that is shown.
const MOST = 12;
const head = element.querySelector(".strip-head");
const strip = element.querySelector(".strip");
const compare = element.querySelector(".compare");
let results = [];
let shown = null;

const show = () => {
  head.hidden = strip.hidden = results.length < 2;
  strip.replaceChildren(...results.map((each) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = each.value.words;
    button.setAttribute("aria-pressed", String(each === shown));
    const image = document.createElement("img");
    image.src = each.value.after;
    image.alt = each.value.words;
    button.append(image);
    button.addEventListener("click", () => go(each));
    return button;
  }));
};
const isComparing = () => compare.getAttribute("aria-pressed") === "true";
const go = (each) => {
  if (isComparing()) {
    window.stylekernel.view({ ...shown.value, before: each.value.after, beforeWords: each.value.words });
    return;
  }
  shown = each;
  show();
  window.stylekernel.goBack(each);
};
compare.addEventListener("click", () => {
  compare.setAttribute("aria-pressed", String(!isComparing()));
  if (!isComparing()) window.stylekernel.view(shown.value);
  else if (results.length > 1) go(results.find((each) => each !== shown));
});
window.stylekernel.keep = (value, settings) => {
  compare.setAttribute("aria-pressed", "false");
  shown = { value, settings };
  results = [shown, ...results.filter((each) => each.value.after !== value.after)].slice(0, MOST);
  show();
};
