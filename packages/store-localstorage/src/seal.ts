/** How long a checksum is, in characters. */
const sealLength = 7;

/** A text with a checksum over it and the item that it is for, so that what others wrote, cut off or moved there is not taken for ours. */
export function seal(item: string, text: string): string {
  return checksum(item, text) + text;
}

/** The text that was sealed for an item; undefined if this is none. */
export function unseal(item: string, sealed: string): string | undefined {
  const text = sealed.slice(sealLength);
  return sealed.startsWith(checksum(item, text)) ? text : undefined;
}

/** FNV-1a over UTF-16 units. */
function checksum(...texts: readonly string[]): string {
  let hash = 0x811c9dc5;
  for (const text of texts) {
    for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash = Math.imul(hash ^ 0x10000, 0x01000193);
  }
  return (hash >>> 0).toString(36).padStart(sealLength, '0');
}
