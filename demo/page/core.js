// What the parts of the page share: messages in words, and the paintings as Gradio takes them.
window.stylekernel = (() => {
  const isShown = (element) => element.closest("[role=tabpanel]")?.checkVisibility();
  // A message stands in the tab that it is about, beside what it is about.
  const say = (words) => {
    const place = [...document.querySelectorAll(".message")].find(isShown);
    if (!place) return false;
    place.querySelector("span").textContent = words;
    place.hidden = false;
    place.scrollIntoView({ block: "nearest" });
    return true;
  };
  const hush = () => document.querySelectorAll(".message").forEach((place) => { place.hidden = true; });

  const asFile = ({ path, url, name }) =>
    ({ path, url, orig_name: name, meta: { _type: "gradio.FileData" } });
  const asPictures = (own) => own.map((each) => ({ image: asFile(each), caption: null }));
  // The paintings of the demo that are chosen, and the visitor's own ones.
  const mixture = ({ chosen, own }) => [
    chosen.filter((title) => !own.some((each) => each.id === title)),
    asPictures(own.filter((each) => chosen.includes(each.id))),
  ];
  // New paintings were read by the server: they are used alone, or join the mixture.
  const added = (state, most) => {
    const titles = state.fresh.map((each) => each.id);
    const chosen = state.mixing ? [...state.chosen, ...titles].slice(0, most) : titles;
    const mixing = state.mixing || chosen.length > 1;
    const next = { chosen, mixing, own: [...state.own, ...state.fresh], fresh: [] };
    return [next, ...mixture(next)];
  };
  // Paintings that came from elsewhere than the tiles: the gallery, a link, a file.
  const taken = (paintings, state) => {
    requestAnimationFrame(() => window.scrollTo({ top: 0 }));
    return { ...state, chosen: paintings, mixing: paintings.length > 1 };
  };
  const named = (paintings, own) =>
    [...paintings, ...(own ?? []).map((each) => each.image.orig_name ?? "your own painting")];
  const used = (paintings, own) => {
    const words = document.createElement("p");
    words.textContent = `In the style of ${named(paintings, own).join(" and ")}.`;
    return words.outerHTML;
  };
  // What the viewer shows of a result; the result joins the last ones, with what made it.
  const pair = (files, paintings, own, ...settings) => {
    hush();
    window.stylekernel.tellLost();
    const value = shown(files, paintings, own);
    const now = window.stylekernel.gather(...settings);
    window.stylekernel.now = now;
    window.stylekernel.remember(now);
    window.stylekernel.keep(value, now);
    return value;
  };
  const shown = (files, paintings, own) => {
    const names = named(paintings, own).join(" and ");
    return files && {
      before: files[0].url, after: files[1].url, words: `The photo in the style of ${names}`,
    };
  };
  // The grid is filled once for each photo.
  let seen = null;
  const unseen = (photo) => {
    if (!photo || photo.path === seen) return null;
    seen = photo.path;
    return photo;
  };
  const stopGrid = () => { seen = null; };
  // Browsers save a file from the same place under its own name.
  const save = (file) => {
    if (!file) return;
    hush();
    const link = Object.assign(document.createElement("a"), {
      href: file.url, download: file.orig_name ?? file.path.split("/").pop(),
    });
    document.body.append(link);
    link.click();
    link.remove();
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest(".message button")) hush();
  });
  return { say, hush, mixture, added, taken, used, unseen, stopGrid, pair, save, asPictures };
})();
