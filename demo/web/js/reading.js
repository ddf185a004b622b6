// Pictures from files, addresses, the clipboard and the camera, as pixels.

/** Megapixels of the largest photo; larger ones are scaled down. Canvases of phones hold no more. */
export const MOST_PIXELS = 16_000_000;
export const LEAST_SIDE = 16;

const isPicture = (file) => file.type.startsWith("image/") || (!file.type && /\.(jpe?g|png|webp|gif|bmp|avif)$/i.test(file.name ?? ""));
export const firstPicture = (files) => [...(files ?? [])].find(isPicture) ?? files?.[0];

/** Read a file as a bitmap, the right way up; an error in words for what is no picture. */
export async function readFile(file) {
  const name = file.name ? `“${file.name}”` : "This file";
  if (!isPicture(file)) throw new Error(`${name} is not a picture. Choose a JPEG, PNG or WebP file.`);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${name} cannot be read: this browser does not know its format, or it is damaged. Choose a JPEG, PNG or WebP file.`);
  }
  if (Math.min(bitmap.width, bitmap.height) < LEAST_SIDE) {
    throw new Error(`${name} must be at least ${LEAST_SIDE} px a side, got ${bitmap.width}x${bitmap.height}.`);
  }
  return bitmap;
}

export async function readAddress(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`“${address}” could not be loaded: the host answered ${response.status}.`);
  return createImageBitmap(await response.blob());
}

/** The pixels of a bitmap, scaled down to a short side or a number of pixels if asked for. */
export function pixelsOf(bitmap, { shortSide = Infinity, most = MOST_PIXELS } = {}) {
  const scale = Math.min(1, shortSide / Math.min(bitmap.width, bitmap.height), Math.sqrt(most / (bitmap.width * bitmap.height)));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

export function asBlob({ data, width, height }, type = "image/png", quality = 0.95) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  return canvas.convertToBlob({ type, quality });
}
