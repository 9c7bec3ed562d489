/**
 * Files with the user sides of a population version's segments, in a folder of the version:
 * `user-side-<model version>-<layout>/<key>.users`. A key identifies the content, so versions in which a segment is
 * unchanged share its file (by hard links). If a file is missing or damaged, the user side is computed.
 */

import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isMissing } from '../../lib/errors.ts';
import { linkDurably, listFolder, removeQuietly, withStorage, writeAll } from '../../lib/files/durable-files.ts';
import { removeAbandonedSiblings, withSibling } from '../../lib/files/temporary-sibling.ts';
import { listVersions, type Population, SegmentMemory } from '../../population/read.ts';
import { decodeUserSide, encodeUserSide, type UserSide } from './user-side-codec.ts';
import {
  enforceLimit,
  folderName,
  isFolderFor,
  type KeptUserSides,
  makeRoomFor,
  SUFFIX,
  storedBytes,
  withUserSideLock,
} from './user-side-folders.ts';

/** Other users of the machine have no access to folders that contain user numbers. */
const CLOSED_MODE = 0o750;
/** Number of hex digits in the name of a folder, and of a file. */
const LAYOUT_DIGITS = 16;
const KEY_DIGITS = 32;

type Place = Pick<Population, 'path' | 'version' | 'segmentCount' | 'segmentId'>;

/** What user sides are made with. */
export interface UserSideOrigin {
  /** The model's version. */
  readonly version: string;
  /** The `layout` of the model's `UserSides`. */
  readonly layout: string;
  /** Identifies the bits that this processor computes, because other processors round differently. */
  readonly bits: string;
}

export class UserSideFiles {
  readonly #population: Place;
  readonly #model: Pick<UserSideOrigin, 'version' | 'layout'>;
  readonly #folder: string;
  readonly #memory = new SegmentMemory();
  /** The user side in `#memory`. Campaigns that run together score the same segment one after another. */
  #last: { readonly segment: number; readonly side: UserSide } | null = null;

  constructor(population: Place, { version, layout, bits }: UserSideOrigin) {
    this.#population = population;
    this.#model = { version, layout: digest(JSON.stringify([layout, bits]), LAYOUT_DIGITS) };
    this.#folder = join(population.path, population.version, folderName(version, this.#model.layout));
  }

  /** The stored user side of a segment, valid until the next call; null if the file is missing or damaged. */
  read(segment: number): UserSide | null {
    if (this.#last?.segment === segment) return this.#last.side;
    this.#last = null;
    const key = this.#keyOf(segment);
    const path = join(this.#folder, key + SUFFIX);
    const bytes = readInto(path, this.#memory);
    const side = bytes && decodeUserSide(key, bytes);
    if (side !== null) this.#last = { segment, side };
    // a damaged file is removed, so that it will be written again
    else if (bytes !== null) removeQuietly(path);
    return side;
  }

  has(segment: number): boolean {
    return existsSync(this.#pathOf(segment));
  }

  /** The names of the files of all segments, `<folder>/<key>.users`, relative to the version's folder. */
  get names(): string[] {
    const folder = basename(this.#folder);
    const { segmentCount } = this.#population;
    return Array.from({ length: segmentCount }, (_, segment) => `${folder}/${basename(this.#pathOf(segment))}`);
  }

  /**
   * Returns the segments whose files are missing. Before that, links files of equal segments of other versions, removes
   * what killed writers left behind and files that were made with different graphs, and removes files if all of the
   * population's user sides take more than `maximumBytes`. If nothing has to be changed, nothing is written.
   * @throws AppError storage_failed, unavailable
   */
  prepare(maximumBytes: number): readonly number[] {
    const { path } = this.#population;
    const missing = this.#missing();
    if (missing.length === 0 && this.#isTidy() && storedBytes(path) <= maximumBytes) return missing;
    withUserSideLock(path, () => {
      withStorage(`write ${this.#folder}`, () => this.#createFolder());
      removeAbandonedSiblings(this.#folder);
      this.#removeOtherLayouts();
      for (const segment of missing) this.#link(segment);
      enforceLimit(path, this.#kept, maximumBytes);
    });
    return this.#missing();
  }

  /**
   * Returns the number of bytes written; 0 if another writer has stored the file in the meantime; null if the
   * population's user sides would take more than `maximumBytes`. User sides of other models and versions are removed
   * first.
   * @throws AppError storage_failed, unavailable
   */
  write(segment: number, side: UserSide, maximumBytes: number): number | null {
    const path = this.#pathOf(segment);
    const parts = encodeUserSide(this.#keyOf(segment), side);
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    return withUserSideLock(this.#population.path, () => {
      if (existsSync(path)) return 0;
      if (!makeRoomFor(size, this.#population.path, this.#kept, maximumBytes)) return null;
      // no fsync is needed, because the checksum reveals a file that a power cut has truncated, and such a file is made
      // again
      this.#put(path, (temporary) => writeParts(temporary, parts));
      return size;
    });
  }

  #missing(): number[] {
    const all = Array.from({ length: this.#population.segmentCount }, (_, segment) => segment);
    return all.filter((segment) => !this.has(segment));
  }

  /** Whether the folder contains only complete files, and no files of running or killed writers. */
  #isTidy(): boolean {
    return listFolder(this.#folder).every((name) => name.endsWith(SUFFIX));
  }

  /** Creates a link to the file of an equal segment in another version, if there is one. */
  #link(segment: number): void {
    const path = this.#pathOf(segment);
    const { path: population, version } = this.#population;
    const others = listVersions(population)
      .filter((other) => other !== version)
      .map((other) => join(population, other, basename(this.#folder), basename(path)));
    const found = others.find((other) => existsSync(other));
    if (found === undefined) return;
    this.#put(path, (temporary) => linkIfExists(found, temporary));
  }

  /** Moves the file that `write` creates, if any, to `path`. */
  #put(path: string, write: (temporary: string) => void): void {
    const doing = `write ${path}`;
    withStorage(doing, () => {
      this.#createFolder();
      withSibling(
        path,
        doing,
        ({ path: temporary }) => {
          write(temporary);
          if (existsSync(temporary)) renameSync(temporary, path);
        },
        // the folder of a version that is being removed must not appear again
        { createsFolder: false },
      );
    });
  }

  #removeOtherLayouts(): void {
    const folder = dirname(this.#folder);
    for (const name of listFolder(folder))
      if (isFolderFor(this.#model.version, name) && name !== basename(this.#folder)) removeQuietly(join(folder, name));
  }

  /** Fails if the version was removed in the meantime, because its folder must not be recreated. */
  #createFolder(): void {
    try {
      mkdirSync(this.#folder, { mode: CLOSED_MODE });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  get #kept(): KeptUserSides {
    return { version: this.#population.version, model: this.#model.version };
  }

  #pathOf(segment: number): string {
    return join(this.#folder, this.#keyOf(segment) + SUFFIX);
  }

  #keyOf(segment: number): string {
    const { version, layout } = this.#model;
    const text = JSON.stringify([version, layout, this.#population.segmentId(segment)]);
    return digest(text, KEY_DIGITS);
  }
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/** Links a file unless it has been removed, with its version, in the meantime. */
function linkIfExists(from: string, to: string): void {
  try {
    linkDurably(from, to);
  } catch (error) {
    if (!isMissing(error) || existsSync(from)) throw error;
  }
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
