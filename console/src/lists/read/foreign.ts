/** Recognises non-text files, which users may choose by mistake, by their first bytes. */
import { UnreadableError } from './unreadable.ts';

const PACKED = 'This file is compressed. Unpack it first.';
const WORKBOOK = 'This is a workbook (Excel, OpenDocument) or a ZIP archive. Save it as CSV, and choose that file.';

const MARKS: readonly (readonly [readonly number[], string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], WORKBOOK],
  [[0x50, 0x4b, 0x05, 0x06], WORKBOOK],
  [[0x50, 0x4b, 0x07, 0x08], WORKBOOK],
  // Excel before 2007
  [[0xd0, 0xcf, 0x11, 0xe0], WORKBOOK],
  [[0x25, 0x50, 0x44, 0x46, 0x2d], 'This is a PDF document. Save its table as CSV, and choose that file.'],
  [[0x1f, 0x8b, 0x08], PACKED],
  [[0x28, 0xb5, 0x2f, 0xfd], PACKED],
  [[0x50, 0x41, 0x52, 0x31], 'This is a Parquet file. Save the IDs as CSV or text, and choose that file.'],
];

/** @throws UnreadableError with advice for the user */
export function refuseForeign(head: Uint8Array): void {
  const found = MARKS.find(([mark]) => mark.every((byte, i) => head[i] === byte));
  if (found) throw new UnreadableError(found[1]);
}
