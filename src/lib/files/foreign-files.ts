/**
 * Recognises files that are not UTF-8 text by their first bytes, such as a spreadsheet that is sent instead of a CSV
 * file.
 */

/** The kinds of files that are recognised. */
export type ForeignFile = 'utf_16' | 'spreadsheet' | 'pdf' | 'gzip' | 'zstandard' | 'parquet';

/** Number of bytes at the start of a file that suffice to recognise all kinds. */
export const HEAD_BYTES = 512;

/**
 * Endings of error messages that begin with the file's name. Each ending says what the file is and, for some kinds, how
 * to convert the file. In a ZIP file, `PK` is followed by two more bytes, which are also checked because a column may
 * be named PK.
 */
export const FOREIGN_FILES: Readonly<Record<ForeignFile, string>> = {
  utf_16: 'is UTF-16 text; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)',
  spreadsheet: 'is a spreadsheet (Excel, OpenDocument) or a ZIP archive, not text; save it as CSV (UTF-8)',
  pdf: 'is a PDF document, not text; save its table as CSV (UTF-8)',
  gzip: 'is compressed with gzip',
  zstandard: 'is compressed with Zstandard; unpack it first (zstd -d)',
  parquet: 'is Parquet, not text',
};

const MARKS: readonly (readonly [ForeignFile, readonly number[]])[] = [
  ['utf_16', [0xff, 0xfe]],
  ['utf_16', [0xfe, 0xff]],
  ['spreadsheet', [0x50, 0x4b, 0x03, 0x04]],
  ['spreadsheet', [0x50, 0x4b, 0x05, 0x06]],
  ['spreadsheet', [0x50, 0x4b, 0x07, 0x08]],
  // the format of Excel before 2007
  ['spreadsheet', [0xd0, 0xcf, 0x11, 0xe0]],
  ['pdf', [...Buffer.from('%PDF-')]],
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstandard', [0x28, 0xb5, 0x2f, 0xfd]],
  ['parquet', [...Buffer.from('PAR1')]],
];

/**
 * Minimum share of zero bytes for a file to count as UTF-16. In text that is mostly ASCII, about every second byte is
 * zero in UTF-16, and no byte is zero in UTF-8.
 */
const SHARE_OF_ZEROS = 0.2;
const LEAST_ZEROS = 4;

/** The kind of a file that begins with `head`; null if the file may be UTF-8 text. */
export function findForeignFile(head: Uint8Array): ForeignFile | null {
  const marked = MARKS.find(([, mark]) => mark.every((byte, i) => head[i] === byte));
  if (marked) return marked[0];
  const zeros = [0, 0];
  const bytes = head.subarray(0, HEAD_BYTES);
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0) zeros[i % 2]! += 1;
  const most = Math.max(...zeros);
  return most >= LEAST_ZEROS && most > SHARE_OF_ZEROS * bytes.length ? 'utf_16' : null;
}
