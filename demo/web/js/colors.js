// Whose colours the result has: what stylekernel_hf/runtime/colors.py does.
import { asFloats, planes } from "./pixels.js";

const LUMA = [0.299, 0.587, 0.114];
// Smallest standard deviation of a colour direction that is stretched.
const LEAST = 0.5 / 255;

export function recolor(stylized, photo, color) {
  if (color === "luminance") return keepLuminance(asFloats(stylized), asFloats(photo));
  return color === "statistics" ? matchStatistics(asFloats(stylized), asFloats(photo)) : stylized;
}

/** The photo in the colours of paintings, mixed by their shares, without strokes. */
export function transfer(photo, paintings, shares, strength) {
  const given = asFloats(photo), result = planes(given.height, given.width, given.data.slice());
  paintings.forEach((painting, number) => {
    const matched = matchStatistics(given, asFloats(painting));
    for (let index = 0; index < result.data.length; index++) {
      result.data[index] += strength * shares[number] * (matched.data[index] - given.data[index]);
    }
  });
  return result;
}

function keepLuminance(stylized, photo) {
  const count = photo.height * photo.width, result = planes(photo.height, photo.width);
  const luma = ({ data }, pixel) => LUMA.reduce((sum, weight, channel) => sum + weight * data[channel * count + pixel], 0);
  for (let pixel = 0; pixel < count; pixel++) {
    const brightness = luma(stylized, pixel), own = luma(photo, pixel);
    // The largest share of the chroma that keeps every channel in [0, 1].
    let share = 1;
    for (let channel = 0; channel < 3; channel++) {
      const chroma = photo.data[channel * count + pixel] - own;
      share = Math.min(share, (chroma > 0 ? 1 - brightness : brightness) / Math.max(Math.abs(chroma), 1e-6));
    }
    share = Math.max(0, share);
    for (let channel = 0; channel < 3; channel++) {
      const value = brightness + share * (photo.data[channel * count + pixel] - own);
      result.data[channel * count + pixel] = Math.min(1, Math.max(0, value));
    }
  }
  return result;
}

/** Give a picture the mean and the covariance of another's colours. */
function matchStatistics(picture, reference) {
  const own = statistics(picture), target = statistics(reference);
  const [root, inverse] = roots(own.covariance);
  const [inner] = roots(product(product(root, target.covariance), root));
  const linear = product(product(inverse, inner), inverse);
  const count = picture.height * picture.width, result = planes(picture.height, picture.width);
  for (let pixel = 0; pixel < count; pixel++) {
    for (let row = 0; row < 3; row++) {
      let value = target.mean[row];
      for (let column = 0; column < 3; column++) {
        value += linear[row][column] * (picture.data[column * count + pixel] - own.mean[column]);
      }
      result.data[row * count + pixel] = Math.min(1, Math.max(0, value));
    }
  }
  return result;
}

function statistics({ data, height, width }) {
  const count = height * width;
  const mean = [0, 1, 2].map((channel) => data.subarray(channel * count, (channel + 1) * count).reduce((sum, value) => sum + value, 0) / count);
  const covariance = [0, 1, 2].map((row) => [0, 1, 2].map((column) => {
    let sum = 0;
    for (let pixel = 0; pixel < count; pixel++) {
      sum += (data[row * count + pixel] - mean[row]) * (data[column * count + pixel] - mean[column]);
    }
    return sum / count;
  }));
  return { mean, covariance };
}

const product = (one, other) => one.map((row) => [0, 1, 2].map((column) => row.reduce((sum, value, index) => sum + value * other[index][column], 0)));

/** The square root of a covariance, and its inverse without flat directions. */
function roots(matrix) {
  const [values, vectors] = eigen(matrix);
  const root = values.map((value) => Math.sqrt(Math.max(0, value)));
  const composed = (diagonal) => [0, 1, 2].map((row) => [0, 1, 2].map((column) =>
    diagonal.reduce((sum, value, index) => sum + vectors[row][index] * value * vectors[column][index], 0)));
  return [composed(root), composed(root.map((value) => (value > LEAST ? 1 / value : 0)))];
}

/** Eigenvalues and eigenvectors, in columns, of a symmetric 3x3 matrix, by Jacobi's rotations. */
function eigen(matrix) {
  const a = matrix.map((row) => [...row]), vectors = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (let sweep = 0; sweep < 20; sweep++) {
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {
      if (a[p][q] === 0) continue;
      const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
      const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1)), c = 1 / Math.hypot(t, 1), s = t * c;
      for (let k = 0; k < 3; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
      for (let k = 0; k < 3; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
      for (const row of vectors) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
    }
  }
  return [[0, 1, 2].map((index) => a[index][index]), vectors];
}
