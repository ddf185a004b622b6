// The network in ONNX Runtime: paintings encoded, photos stylized, in one piece or in tiles.
// What is done here is what stylekernel_hf/runtime/network.py and stylekernel_hf/tiling do.
import { asBytes, asFloats, difference, part, place, planes, resize, withChange } from "./pixels.js";

const WORKING_SIDE = 512, LEAST_RATIO = 1.25, LEAST_SIDE = 64, EPSILON = 1e-5;
/** Pixels of a photo that is stylized in one piece, which takes about 150 bytes a pixel. */
export const ONE_PIECE = 1_500_000;
/** Side in px of the tiles of a larger one. */
const TILE = 640;
/** Pixels of a photo whose own style is encoded as it is. */
const OWN_STYLE = 4_000_000;

const up = (value, multiple) => Math.ceil(value / multiple) * multiple;
// As Python rounds.
const round = (value) => (Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value));

/** Height and width at which strokes are decided, or null for the photo's own size. */
export function workingSize(height, width, strokeScale) {
  const short = Math.min(height, width);
  const ratio = Math.max(Math.min(short, WORKING_SIDE) / strokeScale, Math.min(short, LEAST_SIDE)) / short;
  if (1 / LEAST_RATIO < ratio && ratio < LEAST_RATIO) return null;
  return [Math.max(1, round(height * ratio)), Math.max(1, round(width * ratio))];
}

/** Height and width at which a painting is encoded. */
export function paintingSize(height, width, side = WORKING_SIDE, most = 4_194_304) {
  const scale = Math.min(side / Math.min(height, width), Math.sqrt(most / (height * width)));
  return [round(height * scale), round(width * scale)];
}

export class Network {
  /** `ort` is ONNX Runtime, `facts` is network.json, and `sessions` holds the three models. */
  constructor(ort, facts, sessions) {
    Object.assign(this, { ort, facts, sessions });
    const { key, value, code, channels } = facts;
    this.statisticsCount = 2 * channels.reduce((sum, width) => sum + width, 0);
    this.noStyle = { own_key: this.tensor([1, 1, key]), own_value: this.tensor([1, 1, value]), own_code: this.tensor([1, code]) };
  }

  tensor(dims, data = new Float32Array(dims.reduce((product, side) => product * side, 1))) {
    return new this.ort.Tensor("float32", data, dims);
  }

  image({ data, height, width }) {
    return this.tensor([1, 3, height, width], data);
  }

  /** Encode planes of a painting of any size. */
  async encode(painting) {
    const [height, width] = paintingSize(painting.height, painting.width);
    const scaled = resize(painting, height, width, { bicubic: true });
    for (let index = 0; index < scaled.data.length; index++) scaled.data[index] = Math.min(1, Math.max(0, scaled.data[index]));
    if (Math.min(height, width) < this.facts.smallestSide) throw new Error("small");
    const { styleStride } = this.facts;
    return this.encodeAsIs(part(scaled, 0, 0, up(height, styleStride), up(width, styleStride)));
  }

  async encodeAsIs(picture) {
    const { key, value, code } = await this.sessions.style.run({ painting: this.image(picture) });
    return { tokens: key.dims[1], key: key.data, value: value.data, code: code.data };
  }

  /** The inputs of a mixture: stacked styles, shorter ones filled up with zeros. */
  mixture(styles, shares) {
    const tokens = Math.max(...styles.map((style) => style.tokens)), { key, value, code } = this.facts;
    const stacked = (width, name, weights) => {
      const data = new Float32Array(styles.length * width);
      styles.forEach((style, index) => data.set(weights ? style[name].map((each) => each * weights[index]) : style[name], index * width));
      return data;
    };
    const fill = (name, width) => this.tensor([styles.length, tokens, width], stacked(tokens * width, name, name === "value" ? shares : null));
    return { key: fill("key", key), value: fill("value", value), code: this.tensor([styles.length, code], stacked(code, "code", shares)) };
  }

  /** Run the network once. Without statistics, the photo's own are used. */
  async transform(window, style, strength, own, statistics, held = statistics ? 1 : 0) {
    const result = await this.sessions.transform.run({
      ...style, ...this.noStyle, ...own,
      photo: this.image(window),
      strength: this.tensor([], Float32Array.of(strength)),
      held: this.tensor([], Float32Array.of(held)),
      held_statistics: this.tensor([1, this.statisticsCount, 1, 1], statistics ?? undefined),
    });
    return { picture: planes(window.height, window.width, result.picture.data), statistics: result.statistics.data };
  }

  ownInputs({ tokens, key, value, code }) {
    const { facts } = this;
    return { own_key: this.tensor([1, tokens, facts.key], key), own_value: this.tensor([1, tokens, facts.value], value), own_code: this.tensor([1, facts.code], code) };
  }

  /** Stylize planes, with strokes of a width relative to the frame; see stylekernel_hf.tiling.coarse_to_fine. */
  async stylize(photo, { style, strength, strokeScale }, { onStep = async () => {}, onePiece = ONE_PIECE, tile = TILE } = {}) {
    if (strength === 0) return photo;
    const pass = (picture) => this.pass(picture, style, strength, { onStep, onePiece, tile });
    const size = workingSize(photo.height, photo.width, strokeScale);
    if (!size) return pass(photo);
    const small = resize(photo, ...size), coarse = await pass(small);
    const changed = withChange(photo, difference(coarse, small));
    if (size[0] > photo.height) return changed;
    const finished = await pass(changed);
    return withChange(finished, difference(coarse, resize(finished, ...size)));
  }

  /** One pass over a picture; of a large one in tiles, as bytes. */
  async pass(picture, style, strength, { onStep, onePiece, tile }) {
    const { margin, stride } = this.facts, { height, width } = picture;
    const whole = { height: up(height + 2 * margin, stride), width: up(width + 2 * margin, stride) };
    const window = (top, left, bottom, right) => part(picture, top - margin, left - margin, bottom - top, right - left);
    if (height * width > onePiece) return this.inTiles(asBytes(picture), whole, style, strength, { onStep, side: tile });
    const padded = window(0, 0, whole.height, whole.width);
    await onStep(0);
    const own = strength < 1 ? this.ownInputs(await this.encodeAsIs(padded)) : {};
    const result = await this.transform(padded, style, strength, own);
    await onStep(1);
    return part(result.picture, margin, margin, height, width);
  }

  /** Tiles see as far as the network does, and have the statistics of the whole picture. */
  async inTiles(picture, whole, style, strength, { onStep, side }) {
    const { margin, stride, reach, contentReach } = this.facts, { height, width } = picture;
    const window = ({ seen: [top, left, bottom, right] }) => part(picture, top - margin, left - margin, bottom - top, right - left);
    const measured = tiles([0, 0, whole.height, whole.width], side, contentReach, stride, whole);
    const inner = tiles([margin, margin, margin + height, margin + width], side, reach, stride, whole);
    const steps = measured.length + inner.length, running = new RunningStatistics(this.facts.channels);
    for (const [index, tile] of measured.entries()) {
      await onStep(index / steps);
      const [top, left] = tile.seen, inside = tile.own.map((edge, side) => BigInt((edge - (side % 2 ? left : top)) / stride));
      const { statistics } = await this.sessions.measure.run({
        photo: this.image(window(tile)), inside: new this.ort.Tensor("int64", BigInt64Array.from(inside), [4]),
      });
      running.add(statistics.data, (tile.own[2] - tile.own[0]) * (tile.own[3] - tile.own[1]));
    }
    const own = strength < 1 ? this.ownInputs(await this.ownStyle(picture, whole)) : {};
    const result = planes(height, width, new Uint8Array(3 * height * width)), statistics = running.result();
    for (const [index, tile] of inner.entries()) {
      await onStep((measured.length + index) / steps);
      const [top, left, bottom, right] = tile.own, made = await this.transform(window(tile), style, strength, own, statistics);
      place(result, top - margin, left - margin, made.picture, {
        from: [top - tile.seen[0], left - tile.seen[1]], height: bottom - top, width: right - left,
      });
    }
    await onStep(1);
    return result;
  }

  /** The photo's own style; of a very large one, that of a reduced copy. */
  ownStyle(picture, whole) {
    const { margin, stride } = this.facts, { height, width } = picture, scale = Math.sqrt(OWN_STYLE / (height * width));
    if (scale >= 1) return this.encodeAsIs(part(picture, -margin, -margin, whole.height, whole.width));
    const small = resize(picture, round(height * scale), round(width * scale));
    return this.encodeAsIs(part(small, -margin, -margin, up(small.height + 2 * margin, stride), up(small.width + 2 * margin, stride)));
  }

  /** A frame of a camera: in one piece, with statistics that follow the frames slowly. */
  async frame(frame, style, strength, memory) {
    const { margin, stride } = this.facts, { height, width } = frame;
    const padded = part(frame, -margin, -margin, up(height + 2 * margin, stride), up(width + 2 * margin, stride));
    // The frame's own style changes little: it is encoded anew for every eighth frame.
    if (strength < 1 && (!memory.own || memory.count % 8 === 0)) memory.own = await this.encodeAsIs(padded);
    memory.count = (memory.count ?? 0) + 1;
    const own = strength < 1 ? this.ownInputs(memory.own) : {};
    const made = await this.transform(padded, style, strength, own, memory.statistics, memory.statistics ? memory.held : 0);
    memory.statistics = made.statistics.slice();
    return part(made.picture, margin, margin, height, width);
  }
}

/** Rectangles [top, left, bottom, right] of own pixels and of what they see, as in tiling/tile_grid.py. */
export function tiles([top, left, bottom, right], size, halo, cell, bounds) {
  const spans = (start, stop) => {
    const cells = Math.ceil((stop - start) / cell), count = Math.ceil(cells / Math.max(1, Math.floor(size / cell)));
    const edges = Array.from({ length: count }, (_, index) => start + Math.floor((index * cells) / count) * cell);
    return edges.map((edge, index) => [edge, edges[index + 1] ?? stop]);
  };
  const seen = ([start, stop], limit) => [
    Math.max(0, Math.floor(start / cell) * cell - up(halo, cell)), Math.min(limit, up(stop, cell) + up(halo, cell)),
  ];
  return spans(top, bottom).flatMap((down) => spans(left, right).map((across) => {
    const [rows, columns] = [seen(down, bounds.height), seen(across, bounds.width)];
    return { own: [down[0], across[0], down[1], across[1]], seen: [rows[0], columns[0], rows[1], columns[1]] };
  }));
}

/** Mean and standard deviation of every channel over all parts, which do not overlap. */
class RunningStatistics {
  constructor(channels) {
    // Of every level first the means, then the deviations.
    this.means = channels.flatMap((width, level) => {
      const start = 2 * channels.slice(0, level).reduce((sum, each) => sum + each, 0);
      return Array.from({ length: width }, (_, index) => [start + index, start + width + index]);
    });
    this.count = 0;
    this.values = new Float64Array(2 * this.means.length);
  }

  add(statistics, count) {
    const total = this.count + count;
    for (const [mean, deviation] of this.means) {
      const change = statistics[mean] - this.values[mean], squares = (statistics[deviation] ** 2 - EPSILON) * count;
      this.values[mean] += (change * count) / total;
      this.values[deviation] += squares + (change ** 2 * this.count * count) / total;
    }
    this.count = total;
  }

  result() {
    const result = Float32Array.from(this.values);
    for (const [, deviation] of this.means) result[deviation] = Math.sqrt(this.values[deviation] / this.count + EPSILON);
    return result;
  }
}
