/**
 * Imports a part of the users of a population, while other hosts import the other parts. Segments are stored as soon as
 * they are complete, and tables at the end.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../lib/errors.ts';
import { tryFileLock } from '../../../lib/files/file-lock.ts';
import { Erasures } from '../../erase/erasures.ts';
import { readTable } from '../../import/table-files.ts';
import type { Destination, Destinations, VersionDraft } from '../../versions/destination.ts';
import { findLargestDirectory } from '../../versions/manifest.ts';
import { FileKeeper, type StoredFiles } from '../file-keeper.ts';
import type { TablePart } from '../index-schema.ts';
import { Mirror, type MirrorOptions } from '../mirror.ts';
import { putParts } from '../put-version.ts';
import { cutTable } from '../table-parts.ts';
import { tablesInMemory } from '../table-source.ts';
import { PARTS_ANNOUNCED, type PartNumber, putPart } from './import-part.ts';

/**
 * Errors of `open`: those of `action`, and AppError `unavailable` (this part is being imported on this machine),
 * `invalid_population`, `storage_failed`. A part that was imported before is replaced.
 */
export class PartOfImport implements Destinations {
  readonly stored: StoredFiles = { files: 0, bytes: 0, known: 0 };
  readonly number: PartNumber;
  readonly #options: MirrorOptions;

  constructor(options: MirrorOptions, number: PartNumber) {
    this.number = number;
    this.#options = options;
  }

  async open<T>(_: unknown, action: (destination: Destination) => Promise<T>): Promise<T> {
    const { files, now } = this.#options;
    const { part, parts } = this.number;
    const mirror = await Mirror.open(this.#options);
    try {
      const scratch = join(mirror.folder, `part-${part}-of-${parts}`);
      const release = tryFileLock(`${scratch}.lock`);
      if (release === null)
        throw new AppError('unavailable', `part ${part} of ${parts} is already being imported on this machine`);
      try {
        rmSync(scratch, { recursive: true, force: true });
        const keeper = await FileKeeper.open(files, PARTS_ANNOUNCED, { now, stored: this.stored });
        return await action(this.#destination(mirror, scratch, keeper));
      } finally {
        rmSync(scratch, { recursive: true, force: true });
        release();
      }
    } finally {
      mirror.close();
    }
  }

  #destination({ folder }: Mirror, scratch: string, keeper: FileKeeper): Destination {
    const largest = findLargestDirectory(folder);
    return {
      ...{ name: 'the part', folder, scratch, manifests: [], newest: null, current: null },
      erasures: new Erasures(folder),
      published: largest && readTable(folder, largest),
      take: async () => {},
      storeSegment: (_path, bytes, sha256) => keeper.store(sha256, bytes),
      publish: (draft) => this.#publish(folder, draft, keeper),
      makeCurrent: () => {},
    };
  }

  async #publish(folder: string, { directory, dictionaries, seal }: VersionDraft, keeper: FileKeeper): Promise<string> {
    const { files } = this.#options;
    const manifest = seal();
    const recorded = [manifest.directory, ...manifest.dictionaries];
    const source = tablesInMemory(folder, directory.table, [
      { recorded: manifest.directory, table: directory.table },
      ...manifest.dictionaries.map((one) => ({ recorded: one, table: dictionaries.get(one.feature)!.table })),
    ]);
    const tables: Record<string, TablePart[]> = {};
    for (const { path, size } of recorded.flatMap(({ bytes, ends }) => [bytes, ends]))
      tables[path] = [...(await cutTable((start, end) => source.read(path, start, end), [], size)).parts];
    await putParts(source, files, { tables }, keeper.known);
    await putPart(files, this.number, { manifest, tables });
    return manifest.version;
  }
}
