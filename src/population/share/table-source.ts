/** The bytes of the tables that are published: files of a population folder, or tables that an import has in memory. */
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import { readTable } from '../import/table-files.ts';
import { readRange } from '../versions/files.ts';
import { findLargestDirectory, type ManifestTable } from '../versions/manifest.ts';

/** Path of the bytes of the directory, in every population folder and in the index. */
export const DIRECTORY_BYTES = 'directory.bytes';

export interface TableSource {
  /** Names the source in errors. */
  readonly name: string;
  readonly directory: TextTable;
  /** Bytes of a table's file; fewer if the file ends earlier, none if there is no such file. */
  read(path: string, start: number, end: number): Uint8Array;
}

/** The tables of a population folder. @throws AppError invalid_population */
export function tablesOfFolder(folder: string): TableSource {
  const recorded = findLargestDirectory(folder);
  if (recorded === null) throw new AppError('invalid_population', `${folder} is not a population: it has no version`);
  return {
    name: folder,
    directory: readTable(folder, recorded),
    read: (path, start, end) => readIfThere(folder, path, start, end),
  };
}

/** Tables that are in memory, as a manifest records them. Other published tables are in `folder`. */
export function tablesInMemory(
  folder: string,
  directory: TextTable,
  tables: readonly { readonly recorded: ManifestTable; readonly table: TextTable }[],
): TableSource {
  const inMemory = new Map(
    tables.flatMap(({ recorded, table: { bytes, ends } }) => [
      [recorded.bytes.path, bytes],
      [recorded.ends.path, new Uint8Array(ends.buffer, ends.byteOffset, ends.byteLength)],
    ]),
  );
  return {
    name: 'the import',
    directory,
    read: (path, start, end) => inMemory.get(path)?.subarray(start, end) ?? readIfThere(folder, path, start, end),
  };
}

function readIfThere(folder: string, path: string, start: number, end: number): Uint8Array {
  try {
    return readRange(join(folder, path), start, end);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return new Uint8Array(0);
  }
}
