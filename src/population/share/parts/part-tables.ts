/** Adds the ids or tokens of a part to the tables of the version that is being joined. */
import type { BlobFiles } from '../../../domain/ports/blob-files.ts';
import { AppError } from '../../../lib/errors.ts';
import type { TextTable } from '../../../lib/text/text-table.ts';
import type { ManifestFile, ManifestTable } from '../../versions/manifest.ts';
import { fetchPart } from '../transfers.ts';
import type { ImportPart } from './import-part.ts';

/** In place of the number of a user who is left out. */
export const LEFT_OUT = -1;

/** Number of texts to add at a time. */
const TEXTS_AT_ONCE = 65_536;

export interface AddTextsOptions {
  /** Maximum number of texts in the table. */
  readonly maximum: number;
  /** Users to leave out; null if there are none. */
  readonly erased: { has(userId: string): boolean } | null;
}

/**
 * Returns the index in `into` of each text of the part, in the part's order; LEFT_OUT for users who are left out.
 * @throws AppError invalid_data (there are too many texts), invalid_population, storage_failed
 */
export async function addTexts(
  files: BlobFiles,
  tables: ImportPart['tables'],
  recorded: ManifestTable,
  into: TextTable,
  { maximum, erased }: AddTextsOptions,
): Promise<Int32Array> {
  const bytes = await fetchTable(files, tables, recorded.bytes);
  const ends = new Uint32Array((await fetchTable(files, tables, recorded.ends)).buffer);
  const numbers = new Int32Array(ends.length);
  for (let from = 0; from < ends.length; from += TEXTS_AT_ONCE) {
    const to = Math.min(ends.length, from + TEXTS_AT_ONCE);
    const start = from === 0 ? 0 : ends[from - 1]!;
    const texts = { bytes: bytes.subarray(start), ends: ends.subarray(from, to).map((end) => end - start) };
    const out = numbers.subarray(from, to);
    if (erased === null) into.addAll(texts, Number.POSITIVE_INFINITY, out);
    else addUnlessErased(texts, into, erased, out);
    if (into.count > maximum || out.some((number) => number < LEFT_OUT))
      throw new AppError('invalid_data', `the parts have too many ids or values of one feature: at most ${maximum}`);
  }
  return numbers;
}

function addUnlessErased(
  { bytes, ends }: { readonly bytes: Uint8Array; readonly ends: Uint32Array },
  into: TextTable,
  erased: { has(userId: string): boolean },
  out: Int32Array,
): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0, from = 0; i < ends.length; i++) {
    const isErased = erased.has(text.toString('utf8', from, ends[i]!));
    out[i] = isErased ? LEFT_OUT : into.addUtf8(bytes, from, ends[i]! - from, Number.POSITIVE_INFINITY);
    from = ends[i]!;
  }
}

/** A table's file in memory of its own. */
async function fetchTable(
  files: BlobFiles,
  tables: ImportPart['tables'],
  { path, size }: ManifestFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  for (const part of tables[path] ?? []) bytes.set(await fetchPart(files, part), part.start);
  return bytes;
}
