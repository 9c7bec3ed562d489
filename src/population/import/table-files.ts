/**
 * The two append-only files of a text table: `.bytes` (the UTF-8 strings, one after another) and `.ends` (the end of
 * each string, as a little-endian uint32).
 */
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { appendDurably, readRange, sha256 } from '../versions/files.ts';
import type { ManifestTable } from '../versions/manifest.ts';
import { readCheckedFile } from '../versions/verify.ts';

const END_BYTES = Uint32Array.BYTES_PER_ELEMENT;

/**
 * Reads the state of a table that a version recorded. Each file must have the recorded sha256 or an accepted sha256,
 * because an import must not build on altered numbers. Errors: AppError `invalid_population` naming the file.
 */
export function readTable(folder: string, table: ManifestTable): TextTable {
  const path = join(folder, table.ends.path);
  const [bytes, ends] = [table.bytes, table.ends].map((file) =>
    readCheckedFile(folder, { ...file, path: join(folder, file.path) }),
  ) as [Uint8Array, Uint8Array];
  if (ends.length !== table.count * END_BYTES)
    throw new AppError('invalid_population', `${path} does not contain ${table.count} offsets`);
  const offsets = new Uint32Array(ends.buffer, 0, table.count);
  for (let i = 0, start = 0; i < offsets.length; i++) {
    if (offsets[i]! < start) throw new AppError('invalid_population', `${path} has decreasing offsets`);
    start = offsets[i]!;
  }
  if ((offsets.at(-1) ?? 0) !== bytes.length)
    throw new AppError('invalid_population', `the last offset of ${path} does not match the length of its text`);
  return new TextTable(bytes, offsets);
}

/** Copies a table's strings, starting at index `from`, to a new table. */
export function readTableFrom(folder: string, table: ManifestTable, from: number): TextTable {
  const ends = readRange(join(folder, table.ends.path), (from - 1) * END_BYTES, table.ends.size);
  const offsets = new Uint32Array(new Uint8Array(ends).buffer);
  const start = offsets[0]!;
  const bytes = readRange(join(folder, table.bytes.path), start, table.bytes.size);
  return new TextTable(
    bytes,
    offsets.subarray(1).map((end) => end - start),
  );
}

/** A table as recorded in the manifest. */
export function describeTable(table: TextTable, bytesPath: string, endsPath: string): ManifestTable {
  const ends = bytesOf(table.ends);
  return {
    count: table.count,
    bytes: { path: bytesPath, size: table.bytes.length, sha256: sha256(table.bytes) },
    ends: { path: endsPath, size: ends.length, sha256: sha256(ends) },
  };
}

/**
 * Cuts off any bytes left behind by a killed import, and appends the strings that are not in `published`. The caller
 * must sync the folders.
 */
export function appendTable(
  folder: string,
  table: TextTable,
  recorded: ManifestTable,
  published: ManifestTable | null,
): void {
  const parts = [
    { path: recorded.bytes.path, bytes: table.bytes, from: published?.bytes.size ?? 0 },
    { path: recorded.ends.path, bytes: bytesOf(table.ends), from: published?.ends.size ?? 0 },
  ];
  for (const { path, bytes, from } of parts) {
    appendDurably(join(folder, path), from, bytes.subarray(from));
  }
}

function bytesOf(values: Uint32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
