/** Detects a file's encoding from its first bytes. */

export const ENCODINGS = {
  'utf-8': 'UTF-8',
  'utf-16le': 'UTF-16',
  'utf-16be': 'UTF-16 (big endian)',
  'windows-1252': 'Windows-1252',
} as const;

export type Encoding = keyof typeof ENCODINGS;

/**
 * Minimum share of zero bytes in UTF-16. ASCII text in UTF-16 has a zero in every second byte; other encodings have
 * none.
 */
const ZEROS = 0.2;

/** Detects the encoding. `head` is the beginning of a file, which may end inside a character. */
export function guessEncoding(head: Uint8Array): Encoding {
  const [first, second] = head;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  const zeros = [0, 0];
  head.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2]! += 1;
  });
  if (zeros[1]! > ZEROS * head.length) return 'utf-16le';
  if (zeros[0]! > ZEROS * head.length) return 'utf-16be';
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}

/** Decodes text piece by piece, without the byte order mark. Throws a TypeError if the text is invalid UTF-8. */
export function createDecoder(encoding: Encoding): InstanceType<typeof TextDecoder> {
  return new TextDecoder(encoding, { fatal: encoding === 'utf-8' });
}
