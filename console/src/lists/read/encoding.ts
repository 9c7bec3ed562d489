/** Which encoding a file is in, by its first bytes. */

export const ENCODINGS = {
  'utf-8': 'UTF-8',
  'utf-16le': 'UTF-16',
  'utf-16be': 'UTF-16 (big endian)',
  'windows-1252': 'Windows-1252',
} as const;

export type Encoding = keyof typeof ENCODINGS;

/** A file of ASCII in UTF-16 has a zero in every second byte; no text in another encoding has any. */
const ZEROS = 0.2;

/** `head` is a file's beginning, which may end within a character. */
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

/** Decodes piece by piece; a byte order mark is left out. Throws TypeError at what is not UTF-8. */
export function createDecoder(encoding: Encoding): InstanceType<typeof TextDecoder> {
  return new TextDecoder(encoding, { fatal: encoding === 'utf-8' });
}
