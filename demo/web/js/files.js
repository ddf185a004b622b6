// Files of the page, with the bytes counted as they come.

/** Fetch a file; a packed one is unpacked, unless the host has done it. */
export async function fetchBytes(address, onBytes = () => {}) {
  let response;
  try {
    response = await fetch(address);
  } catch {
    throw new Error(`“${address.pathname ?? address}” could not be loaded. Check the connection, then reload the page.`);
  }
  if (!response.ok) throw new Error(`“${address.pathname ?? address}” could not be loaded: the host answered ${response.status}.`);
  const counted = response.body.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      onBytes(chunk.byteLength);
      controller.enqueue(chunk);
    },
  }));
  const bytes = await new Response(counted).arrayBuffer();
  const [first, second] = new Uint8Array(bytes, 0, 2);
  if (first !== 0x1f || second !== 0x8b) return bytes;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
