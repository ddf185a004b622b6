// Pictures as planes: red, then green, then blue, row by row. Bytes stand for 0 to 255, floats for 0 to 1.
// What is done here is what stylekernel_hf/runtime/pictures.py does.

export const planes = (height, width, data = new Float32Array(3 * height * width)) => ({ height, width, data });
const unitOf = (data) => (data instanceof Float32Array ? 1 : 1 / 255);

/** Bytes of a picture from the rows of red, green, blue and alpha of a canvas, on white. */
export function fromCanvas({ data, width, height }) {
  const count = width * height, result = planes(height, width, new Uint8Array(3 * count));
  for (let pixel = 0; pixel < count; pixel++) {
    const alpha = data[4 * pixel + 3];
    for (let channel = 0; channel < 3; channel++) {
      const value = data[4 * pixel + channel];
      result.data[channel * count + pixel] = alpha === 255 ? value : (value * alpha + 255 * (255 - alpha)) / 255 + 0.5;
    }
  }
  return result;
}

/** What a canvas takes. */
export function toCanvas({ data, width, height }) {
  const count = width * height, result = new Uint8ClampedArray(4 * count), scale = 255 * unitOf(data);
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0, from = channel * count; pixel < count; pixel++) {
      result[4 * pixel + channel] = data[from + pixel] * scale;
    }
  }
  for (let pixel = 0; pixel < count; pixel++) result[4 * pixel + 3] = 255;
  return result;
}

export function asBytes(picture) {
  if (!(picture.data instanceof Float32Array)) return picture;
  const { data, height, width } = picture, bytes = new Uint8ClampedArray(data.length);
  for (let index = 0; index < data.length; index++) bytes[index] = 255 * data[index];
  return planes(height, width, new Uint8Array(bytes.buffer));
}

export function asFloats(picture) {
  if (picture.data instanceof Float32Array) return picture;
  // A loop: `Float32Array.from` takes every value from an iterator, which is many times slower.
  const result = planes(picture.height, picture.width);
  for (let index = 0; index < result.data.length; index++) result.data[index] = picture.data[index] / 255;
  return result;
}

const triangle = (x) => Math.max(0, 1 - Math.abs(x));
const cubic = (x) => {
  const a = -0.5, t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
};

/** Where each new pixel of a line takes its values from, and their weights: as in Pillow. */
function taps(from, to, kernel, reach) {
  const scale = from / to, width = Math.max(scale, 1), support = reach * width;
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = Float64Array.from({ length: last - first }, (_each, tap) => kernel((tap + first - centre + 0.5) / width));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

/** Resize to floats, antialiased, bilinearly or bicubically. */
export function resize(picture, height, width, { bicubic = false } = {}) {
  if (picture.height === height && picture.width === width) return asFloats(picture);
  const [kernel, reach] = bicubic ? [cubic, 2] : [triangle, 1];
  const across = taps(picture.width, width, kernel, reach), down = taps(picture.height, height, kernel, reach);
  const unit = unitOf(picture.data), result = planes(height, width);
  const lines = new Float32Array(picture.height * width);
  for (let channel = 0; channel < 3; channel++) {
    const plane = channel * picture.height * picture.width;
    for (let row = 0; row < picture.height; row++) {
      const start = plane + row * picture.width;
      for (let column = 0; column < width; column++) {
        const { first, weights } = across[column];
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) sum += weights[tap] * picture.data[start + first + tap];
        lines[row * width + column] = sum * unit;
      }
    }
    const sums = new Float64Array(width);
    for (let row = 0; row < height; row++) {
      const { first, weights } = down[row];
      sums.fill(0);
      for (let tap = 0; tap < weights.length; tap++) {
        const weight = weights[tap], start = (first + tap) * width;
        for (let column = 0; column < width; column++) sums[column] += weight * lines[start + column];
      }
      result.data.set(sums, channel * height * width + row * width);
    }
  }
  return result;
}

/** `one` minus `other`, in floats. */
export function difference(one, other) {
  const result = planes(one.height, one.width), [unit, second] = [unitOf(one.data), unitOf(other.data)];
  for (let index = 0; index < result.data.length; index++) {
    result.data[index] = one.data[index] * unit - other.data[index] * second;
  }
  return result;
}

/** A picture with a change of any size added: bytes of bytes, floats of floats. */
export function withChange(picture, change) {
  const { height, width, data } = picture, unit = unitOf(data);
  const result = planes(height, width, unit === 1 ? new Float32Array(data.length) : new Uint8ClampedArray(data.length));
  // Enlarged line by line: there is no room for floats of a large picture.
  const across = taps(change.width, width, triangle, 1), down = taps(change.height, height, triangle, 1);
  const narrow = new Float64Array(change.width);
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < height; row++) {
      const line = down[row];
      narrow.fill(0);
      for (let tap = 0; tap < line.weights.length; tap++) {
        const start = (channel * change.height + line.first + tap) * change.width;
        for (let column = 0; column < change.width; column++) narrow[column] += line.weights[tap] * change.data[start + column];
      }
      const start = (channel * height + row) * width;
      for (let column = 0; column < width; column++) {
        const { first, weights } = across[column];
        let sum = data[start + column] * unit;
        for (let tap = 0; tap < weights.length; tap++) sum += weights[tap] * narrow[first + tap];
        result.data[start + column] = (sum < 0 ? 0 : sum > 1 ? 1 : sum) / unit;
      }
    }
  }
  if (unit !== 1) result.data = new Uint8Array(result.data.buffer);
  return result;
}

const reflected = (index, length) => {
  if (length === 1) return 0;
  const period = 2 * (length - 1), place = ((index % period) + period) % period;
  return place < length ? place : period - place;
};

/** Floats of rows and columns from `top` and `left` on, reflected where they lie beyond the picture. */
export function part(picture, top, left, height, width) {
  const result = planes(height, width), unit = unitOf(picture.data);
  const columns = Int32Array.from({ length: width }, (_, column) => reflected(left + column, picture.width));
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < height; row++) {
      const from = (channel * picture.height + reflected(top + row, picture.height)) * picture.width;
      const to = (channel * height + row) * width;
      for (let column = 0; column < width; column++) result.data[to + column] = picture.data[from + columns[column]] * unit;
    }
  }
  return result;
}

/** Copy a rectangle of one picture into another, which may hold bytes. */
export function place(target, top, left, picture, { from = [0, 0], height = picture.height, width = picture.width } = {}) {
  const scale = unitOf(picture.data) / unitOf(target.data), rounds = target.data instanceof Float32Array ? 0 : 0.5;
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < height; row++) {
      const source = (channel * picture.height + from[0] + row) * picture.width + from[1];
      const start = (channel * target.height + top + row) * target.width + left;
      for (let column = 0; column < width; column++) target.data[start + column] = picture.data[source + column] * scale + rounds;
    }
  }
}
