/**
 * Files with the user sides of a population version's segments, in a folder of the version:
 * `user-side-<model version>-<layout>/<key>.users`. A key identifies the content, so versions in which a segment is
 * unchanged share its file (by hard links). If a file is missing or damaged, the user side is computed.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { linkDurably, listFolder, removeQuietly, withStorage, writeAll } from '../../lib/files/durable-files.ts';
import { withSibling } from '../../lib/files/temporary-sibling.ts';
import { listVersions, type Population, SegmentMemory } from '../../population/read.ts';
import type { UserSide } from './user-side.ts';
import { decodeUserSide, encodeUserSide } from './user-side-codec.ts';

const FOLDER = 'user-side-';
const SUFFIX = '.users';
/** Other users of the machine have no access to folders that contain user numbers. */
const CLOSED_MODE = 0o750;

const prefixOf = (model: string): string => `${FOLDER}${model}-`;

type Place = Pick<Population, 'path' | 'version' | 'segmentCount' | 'segmentId'>;

export class UserSideFiles {
  readonly #population: Place;
  readonly #model: { readonly version: string; readonly layout: string };
  readonly #folder: string;
  readonly #memory = new SegmentMemory();

  /** `layout` is the `layout` of the model's `UserSides`. */
  constructor(population: Place, model: { readonly version: string; readonly layout: string }) {
    this.#population = population;
    this.#model = model;
    this.#folder = join(population.path, population.version, prefixOf(model.version) + model.layout);
  }

  /** The stored user side of a segment, valid until the next call; null if the file is missing or damaged. */
  read(segment: number): { readonly side: UserSide; readonly seconds: number } | null {
    const key = this.#keyOf(segment);
    const path = join(this.#folder, key + SUFFIX);
    const bytes = readInto(path, this.#memory);
    const found = bytes && decodeUserSide(key, bytes);
    // a damaged file is removed, so that it will be written again
    if (bytes !== null && found === null) removeQuietly(path);
    return found;
  }

  has(segment: number): boolean {
    return existsSync(this.#pathOf(segment));
  }

  /** Creates a link to the file of an equal segment in another version. Returns whether there was such a file. */
  link(segment: number): boolean {
    const path = this.#pathOf(segment);
    for (const version of listVersions(this.#population.path)) {
      const other = join(this.#population.path, version, basename(this.#folder), basename(path));
      if (version === this.#population.version || !existsSync(other)) continue;
      withStorage(`write ${path}`, () => {
        this.#createFolder();
        linkDurably(other, path);
      });
      return true;
    }
    return false;
  }

  /**
   * Returns the size of the file; null if it would be larger than `maximumBytes`.
   * @throws AppError storage_failed if the file cannot be written
   */
  write(segment: number, side: UserSide, seconds: number, maximumBytes: number): number | null {
    const path = this.#pathOf(segment);
    const parts = encodeUserSide(this.#keyOf(segment), side, seconds);
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    if (size > maximumBytes) return null;
    const doing = `write ${path}`;
    withStorage(doing, () => {
      this.#createFolder();
      // without an fsync: the checksum finds a file that a power cut has cut off, and it is made again
      withSibling(path, doing, ({ path: temporary }) => {
        writeParts(temporary, parts);
        renameSync(temporary, path);
      });
    });
    return size;
  }

  remove(segment: number): void {
    rmSync(this.#pathOf(segment), { force: true });
  }

  /** Removes files that were made with different graphs, for example by another version of this program. */
  removeOtherLayouts(): void {
    const folder = dirname(this.#folder);
    for (const name of listFolder(folder))
      if (name.startsWith(prefixOf(this.#model.version)) && name !== basename(this.#folder))
        removeQuietly(join(folder, name));
  }

  /** Fails if the version was removed in the meantime, because its folder must not be recreated. */
  #createFolder(): void {
    try {
      mkdirSync(this.#folder, { mode: CLOSED_MODE });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  #pathOf(segment: number): string {
    return join(this.#folder, this.#keyOf(segment) + SUFFIX);
  }

  #keyOf(segment: number): string {
    const { version, layout } = this.#model;
    const text = JSON.stringify([version, layout, this.#population.segmentId(segment)]);
    return createHash('sha256').update(text).digest('hex').slice(0, 32);
  }
}

/**
 * Removes stored user sides of models and versions other than `kept`, the oldest first, until the population's user
 * sides take at most `maximumBytes`. Returns how many more bytes may be stored.
 */
export function makeRoom(
  path: string,
  kept: { readonly version: string; readonly model: string },
  maximumBytes: number,
): number {
  const folders = listVersions(path).flatMap((version) =>
    listFolder(join(path, version))
      .filter((name) => name.startsWith(FOLDER))
      .map((name) =>
        sizeOf(join(path, version, name), version === kept.version && name.startsWith(prefixOf(kept.model))),
      ),
  );
  const others = folders.filter(({ isKept }) => !isKept).sort((a, b) => a.at - b.at);
  let bytes = folders.reduce((sum, folder) => sum + folder.bytes, 0);
  for (const folder of others) {
    if (bytes <= maximumBytes) break;
    rmSync(folder.path, { recursive: true, force: true });
    bytes -= folder.bytes;
  }
  return maximumBytes - bytes;
}

/** Number of stored user sides of a version for a model. */
export function countUserSides(
  path: string,
  { version, model }: { readonly version: string; readonly model: string },
): number {
  const folder = join(path, version);
  const own = listFolder(folder).filter((name) => name.startsWith(prefixOf(model)));
  return own.reduce((sum, name) => sum + listFolder(join(folder, name)).length, 0);
}

/** A linked file is counted in each of its folders, so the sum may be too high, but never too low. */
function sizeOf(path: string, isKept: boolean) {
  const files = listFolder(path).map((name) => statSync(join(path, name), { throwIfNoEntry: false }));
  return {
    path,
    isKept,
    bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
    at: Math.max(0, ...files.map((file) => file?.mtimeMs ?? 0)),
  };
}

function writeParts(path: string, parts: readonly Uint8Array[]): void {
  const file = openSync(path, 'wx');
  try {
    for (const part of parts) writeAll(file, part, null);
  } finally {
    closeSync(file);
  }
}

/** The bytes of a file; null if it cannot be read. */
function readInto(path: string, memory: SegmentMemory): Uint8Array | null {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = memory.take(fstatSync(file).size);
      for (let at = 0; at < bytes.length; ) {
        const read = readSync(file, bytes, at, bytes.length - at, at);
        if (read === 0) return null;
        at += read;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

/** Number of segments that are computed, and not read, after a segment took longer to read than to compute. */
const TRIED_AGAIN_AFTER = 16;

/** Reads stored user sides for scoring, unless reading them takes longer than computing them. */
export class StoredUserSides {
  readonly #files: UserSideFiles;
  readonly #clock: Pick<Clock, 'elapsed'>;
  #last: { readonly segment: number; readonly side: UserSide } | null = null;
  /** Number of segments to compute before the disk is tried again. */
  #skipped = 0;

  constructor(files: UserSideFiles, clock: Pick<Clock, 'elapsed'>) {
    this.#files = files;
    this.#clock = clock;
  }

  /** The stored user side of a segment, valid until the next call; null if it has to be computed. */
  find(segment: number): UserSide | null {
    if (this.#last?.segment === segment) return this.#last.side;
    this.#last = null;
    if (this.#skipped > 0) {
      this.#skipped -= 1;
      return null;
    }
    const start = this.#clock.elapsed();
    const found = this.#files.read(segment);
    if (found === null) return null;
    if (this.#clock.elapsed() - start > 1000 * found.seconds) this.#skipped = TRIED_AGAIN_AFTER;
    this.#last = { segment, side: found.side };
    return found.side;
  }

  /** Forgets the segment that was found last, so that it is read again when needed. */
  forget(): void {
    this.#last = null;
  }
}
