// What made a picture, in plain words of JSON: in links, in this tab's memory, in files of results.
//
// The server trusts none of it: it checks every value, and every path, as in any other request.
(() => {
  const own = window.stylekernel;
  const KEY = "stylekernel-settings";
  const address = (path) => new URL(`gradio_api/file=${encodeURI(path)}`, document.baseURI).href;
  const asFile = ({ path, name }) =>
    ({ path, url: address(path), orig_name: name, meta: { _type: "gradio.FileData" } });
  const titles = () =>
    [...document.querySelectorAll(".tile[data-painting]")].map((tile) => tile.dataset.title);
  const isThere = async (path) => {
    try {
      return (await fetch(address(path), { method: "HEAD" })).ok;
    } catch {
      return false;
    }
  };

  // The settings of now; the controls come in the order of the event that asks.
  const named = (file) =>
    file && { path: file.path, name: file.orig_name ?? file.path.split("/").pop() };
  const gather = (
    photo, state, strength, color, scale, w1, w2, w3, w4, model, resolution, region, layer, map,
  ) => ({
    photo: named(photo),
    chosen: state.chosen,
    own: state.own.map(({ id, path, name }) => ({ id, path, name })),
    strength, color, scale, weights: [w1, w2, w3, w4], model, resolution,
    region, layer: named(layer), map: named(map),
  });
  const remember = (settings) => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(settings));
    } catch { /* Without storage, a reload begins anew. */ }
  };

  const encode = (settings) => {
    const bytes = new TextEncoder().encode(JSON.stringify(settings));
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  };
  const decode = (text) => {
    const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(letters, (c) => c.charCodeAt(0))));
  };
  // A link is used once; after that the page has its own memory.
  const given = () => {
    try {
      const link = /^#s=([\w=-]+)$/.exec(location.hash);
      if (link) {
        history.replaceState(null, "", location.pathname + location.search);
        return decode(link[1]);
      }
      return JSON.parse(sessionStorage.getItem(KEY));
    } catch {
      return null;
    }
  };

  const number = (value, least, most, otherwise) =>
    Number.isFinite(value) ? Math.min(Math.max(value, least), most) : otherwise;
  // Files that the server has deleted are left out, and told.
  const usable = async (settings) => {
    const lost = [];
    const kept = [];
    for (const each of (settings.own ?? []).slice(0, 8)) {
      if (await isThere(String(each.path))) {
        kept.push({ ...each, url: address(each.path), picture: address(each.path) });
      } else lost.push(`the painting “${each.name}”`);
    }
    const found = async (file, words) => {
      if (!file) return null;
      if (await isThere(String(file.path))) return asFile(file);
      lost.push(words);
      return null;
    };
    const { photo, layer, map } = settings;
    const files = { kept, lost, photo: await found(photo, `the photo “${photo?.name}”`) };
    files.map = await found(map, `the strength map “${map?.name}”`);
    // What was painted belongs to its photo.
    if (files.photo) files.layer = await found(layer, "the region that was painted");
    return files;
  };
  // The values of the components, in the order of the event that takes them.
  const values = async (settings, state, photo, region, layer, map) => {
    const known = titles();
    const files = await usable(settings);
    const names = [...known, ...files.kept.map((each) => each.id)];
    const pairs = (settings.chosen ?? []).map((title, index) => [title, settings.weights?.[index]]);
    const there = pairs.filter(([title]) => names.includes(title)).slice(0, 4);
    const chosen = there.length ? there.map(([title]) => title) : state.chosen.slice(0, 1);
    const weights = [0, 1, 2, 3].map((index) => number(there[index]?.[1], 0, 1, 1));
    const next = {
      chosen, mixing: chosen.length > 1, fresh: [],
      own: files.kept.length ? files.kept : state.own,
    };
    // A file of a result brings no region and no map: those of the page stay.
    const places = settings.photo === undefined ? [region, layer, map] : [
      files.layer ? String(settings.region) : "everywhere", files.layer ?? null, files.map ?? null,
    ];
    own.lost = [...files.lost, ...(settings.missing ?? []).map((name) => `the painting “${name}”`)];
    return [
      files.photo ?? photo, next, ...own.mixture(next),
      number(settings.strength, 0, 1, 1), String(settings.color ?? "style"),
      number(settings.scale, 0.5, 4, 1), ...weights,
      String(settings.model ?? ""), number(settings.resolution, 512, 1536, 768), ...places,
    ];
  };
  const tellLost = () => {
    if (own.lost?.length) {
      own.say(`Not on the server any more: ${own.lost.join(", ")}. Please add again what you miss; `
        + "everything else is as it was.");
    } else if (own.absent?.length) {
      own.say(`The file does not hold ${own.absent.join(" or ")} of its result. What the page has `
        + "stays in use.");
    }
    own.lost = own.absent = [];
  };

  // Settings within a result: in a text chunk of a PNG, in a comment of a JPEG.
  const textOf = (bytes) => {
    const view = new DataView(bytes.buffer);
    const text = new TextDecoder();
    if (view.getUint32(0) === 0x89504e47) {
      for (let at = 8; at + 12 <= bytes.length; at += view.getUint32(at) + 12) {
        const type = text.decode(bytes.subarray(at + 4, at + 8));
        const body = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
        if (type === "iTXt" && text.decode(body.subarray(0, 12)) === "stylekernel\0") {
          return text.decode(body).split("\0").at(-1);
        }
      }
    }
    if (view.getUint16(0) === 0xffd8) {
      for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; at += view.getUint16(at + 2) + 2) {
        if (bytes[at + 1] === 0xda) break;
        const body = text.decode(bytes.subarray(at + 4, at + 2 + view.getUint16(at + 2)));
        if (bytes[at + 1] === 0xfe && body.startsWith("stylekernel ")) return body.slice(12);
      }
    }
    return null;
  };
  const fromPicture = async (file) => {
    try {
      const found = JSON.parse(textOf(new Uint8Array(await file.arrayBuffer())));
      const known = titles();
      const pairs = found.paintings.map((title, index) => [title, found.style_weights[index]]);
      const there = pairs.filter(([title]) => known.includes(title));
      own.absent = [
        ...(found.region === "everywhere" ? [] : ["the region"]),
        ...(found.strength_map ? [`the strength map “${found.strength_map}”`] : []),
      ];
      return {
        chosen: there.map(([title]) => title), weights: there.map(([, weight]) => weight),
        strength: found.strength, color: found.color, scale: found.stroke_scale, model: found.model,
        missing: found.paintings.filter((title) => !known.includes(title)),
      };
    } catch {
      own.say(`“${file.name}” holds no settings: it is no result of this page, or was saved anew.`);
      return null;
    }
  };
  document.addEventListener("click", async (event) => {
    if (event.target.closest("#read-settings")) {
      const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
      input.addEventListener("change", async () => {
        const settings = await fromPicture(input.files[0]);
        if (settings) own.restore(settings);
      });
      input.click();
    }
    if (event.target.closest("#share") && own.now) {
      const link = `${location.origin}${location.pathname}${location.search}#s=${encode(own.now)}`;
      try {
        await navigator.clipboard.writeText(link);
        own.say("The link is copied. It opens this photo, for as long as the server keeps it, with "
          + "these paintings and settings. Whoever has the link sees the photo.");
      } catch {
        own.say(link);
      }
    }
  });
  // Read before the first picture is shown, which is remembered too.
  const first = given();
  const begin = () => first && setTimeout(() => own.restore(first));
  Object.assign(own, { gather, remember, values, tellLost, begin });
})();
