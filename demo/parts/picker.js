// The tiles of the paintings. A click takes one; while mixing, a click adds it or takes it away.
const tiles = element.querySelector(".tiles");
const file = element.querySelector("input[type=file]");
const mixing = element.querySelector(".mixing");
const hint = element.querySelector(".hint");
const most = Number(tiles.dataset.most);

const show = () => {
  const { chosen, own } = props.value;
  const shelf = element.querySelector(".own");
  const names = own.map((each) => each.id).join();
  if (shelf.dataset.names !== names) {
    shelf.dataset.names = names;
    shelf.replaceChildren(...own.map((each) => {
      const tile = document.createElement("button");
      tile.type = "button";
      tile.className = "tile";
      tile.dataset.title = each.id;
      // A picture that the browser cannot read leaves the tile plain.
      tile.style.backgroundImage =
        `linear-gradient(to top, rgb(19 17 16 / .82), rgb(19 17 16 / 0) 55%), url("${each.picture}")`;
      const words = document.createElement("span");
      words.textContent = each.name;
      const remove = document.createElement("i");
      remove.className = "remove";
      remove.title = `Remove ${each.name}`;
      remove.textContent = "×";
      tile.append(words, remove);
      return tile;
    }));
  }
  for (const tile of element.querySelectorAll(".tile[data-title]")) {
    tile.setAttribute("aria-pressed", String(chosen.includes(tile.dataset.title)));
  }
  mixing.setAttribute("aria-checked", String(props.value.mixing));
  hint.textContent = props.value.mixing
    ? `Choose up to ${most}; their shares are among the controls.` : "";
};
const showTile = (tile) => {
  const [inner, outer] = [tile.getBoundingClientRect(), tiles.getBoundingClientRect()];
  tiles.scrollBy(inner.x - outer.x - outer.width / 3, inner.y - outer.y - outer.height / 3);
};
const change = (changes) => {
  props.value = { ...props.value, ...changes };
  show();
};
const choose = (chosen) => {
  change({ chosen });
  trigger("choose");
};
const remove = (id) => {
  const own = props.value.own.filter((each) => each.id !== id);
  const chosen = props.value.chosen.filter((title) => title !== id);
  const isUsed = chosen.length < props.value.chosen.length;
  const first = element.querySelector(".tile[data-painting]").dataset.title;
  change({ own, chosen: chosen.length ? chosen : [first] });
  if (isUsed) trigger("choose");
};
const take = async (files) => {
  const fresh = [];
  try {
    for (const each of [...files].slice(0, most)) {
      const { path, url } = await upload(each);
      const id = `own-${Date.now()}-${fresh.length}`;
      fresh.push({ id, path, url, name: each.name, picture: URL.createObjectURL(each) });
    }
  } catch (error) {
    return window.stylekernel.say(`“${files[0].name}” could not be sent. ${error.message ?? error}`);
  }
  change({ fresh });
  trigger("bring");
};

element.addEventListener("click", (event) => {
  const tile = event.target.closest(".tile");
  if (event.target.closest(".remove")) return remove(tile.dataset.title);
  if (tile?.classList.contains("add")) return file.click();
  if (event.target.closest(".mixing")) {
    const isMixing = !props.value.mixing;
    const { chosen } = props.value;
    change({ mixing: isMixing });
    if (!isMixing && chosen.length > 1) choose(chosen.slice(-1));
    return;
  }
  if (event.target.closest(".surprise")) {
    const others = [...element.querySelectorAll(".tile[data-painting]")]
      .filter((each) => !props.value.chosen.includes(each.dataset.title));
    const lucky = others[Math.floor(Math.random() * others.length)];
    choose([lucky.dataset.title]);
    showTile(lucky);
    return;
  }
  if (!tile) return;
  const { title } = tile.dataset;
  const { chosen } = props.value;
  const has = chosen.includes(title);
  if (!props.value.mixing) return has && chosen.length === 1 ? undefined : choose([title]);
  if (has) return chosen.length > 1 ? choose(chosen.filter((each) => each !== title)) : undefined;
  if (chosen.length < most) return choose([...chosen, title]);
  window.stylekernel.say(`At most ${most} paintings can be mixed. Take one away first.`);
});
element.addEventListener("keydown", (event) => {
  const tile = event.target.closest(".own .tile");
  if (!tile || !["Delete", "Backspace"].includes(event.key)) return;
  event.preventDefault();
  remove(tile.dataset.title);
});
file.addEventListener("change", () => {
  if (file.files.length) take(file.files);
  file.value = "";
});
tiles.addEventListener("dragover", (event) => event.preventDefault());
tiles.addEventListener("drop", (event) => {
  event.preventDefault();
  event.stopPropagation();
  if (event.dataTransfer.files.length) take(event.dataTransfer.files);
});
watch("value", show);
show();
// The tiles scroll, on a phone to the side: begin where the chosen one is.
const first = element.querySelector(".tile[aria-pressed=true]");
if (first) showTile(first);
