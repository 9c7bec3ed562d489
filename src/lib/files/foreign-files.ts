/** Recognises files that are not UTF-8 text by their first bytes: files that people send in place of a table. */

/** The kinds of such files. */
export type ForeignFile = 'utf_16' | 'spreadsheet' | 'pdf' | 'gzip' | 'zstandard' | 'parquet';

/** Number of first bytes that suffice for all kinds. */
export const HEAD_BYTES = 512;

/**
 * The end of a sentence that says what the file is and what to do about it. In a ZIP file, `PK` is followed by two more
 * bytes; they are checked because a column may be named PK.
 */
export const FOREIGN_FILES: Readonly<Record<ForeignFile, string>> = {
  utf_16: 'is UTF-16: write it as UTF-8 (iconv -f UTF-16 -t UTF-8)',
  spreadsheet: 'is a spreadsheet (Excel, OpenDocument) or a ZIP archive, not text: save it as CSV (UTF-8)',
  pdf: 'is a PDF document, not text: save its table as CSV (UTF-8)',
  gzip: 'is compressed by gzip',
  zstandard: 'is compressed by Zstandard: unpack it first (zstd -d)',
  parquet: 'is Parquet, not text',
};

const MARKS: readonly (readonly [ForeignFile, readonly number[]])[] = [
  ['utf_16', [0xff, 0xfe]],
  ['utf_16', [0xfe, 0xff]],
  ['spreadsheet', [0x50, 0x4b, 0x03, 0x04]],
  ['spreadsheet', [0x50, 0x4b, 0x05, 0x06]],
  ['spreadsheet', [0x50, 0x4b, 0x07, 0x08]],
  // Excel before 2007
  ['spreadsheet', [0xd0, 0xcf, 0x11, 0xe0]],
  ['pdf', [...Buffer.from('%PDF-')]],
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstandard', [0x28, 0xb5, 0x2f, 0xfd]],
  ['parquet', [...Buffer.from('PAR1')]],
];

/** UTF-16 text that is mostly ASCII has a zero in every second byte; UTF-8 has none. */
const SHARE_OF_ZEROS = 0.2;
const LEAST_ZEROS = 4;

/** The kind of a file that begins with `head`; null if it may be text. */
export function findForeignFile(head: Uint8Array): ForeignFile | null {
  const marked = MARKS.find(([, mark]) => mark.every((byte, i) => head[i] === byte));
  if (marked) return marked[0];
  const zeros = [0, 0];
  const bytes = head.subarray(0, HEAD_BYTES);
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0) zeros[i % 2]! += 1;
  const most = Math.max(...zeros);
  return most >= LEAST_ZEROS && most > SHARE_OF_ZEROS * bytes.length ? 'utf_16' : null;
}
