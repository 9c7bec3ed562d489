/** A population as it is read: the directory, the dictionaries and the segments of one published version. */
import { join } from 'node:path';
import type { Feature } from '../../dataset/features.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { hasTokens } from '../../lib/feature-kinds.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { Erasures } from '../erase/erasures.ts';
import { readTable } from '../import/table-files.ts';
import {
  CURRENT_FILE,
  featuresOf,
  findCurrentVersion,
  listVersions,
  type Manifest,
  readManifest,
} from '../versions/manifest.ts';
import { verifyVersion } from '../versions/verify.ts';
import { readPlaces, readSegmentFile } from '../versions/version-files.ts';
import { createDictionary, type Dictionary } from './dictionary.ts';
import { createDirectory, type Directory } from './directory.ts';
import { gatherRows } from './gather.ts';
import { SegmentCache } from './segment-cache.ts';
import { SegmentLayout } from './segment-layout.ts';
import { SegmentMemory } from './segment-memory.ts';
import { type Rows, SEGMENT_ROWS } from './segments.ts';
import { selectRows } from './select-rows.ts';

/** One published version of a population. Immutable: its arrays are shared and never to be written. */
export interface Population {
  readonly path: string;
  /** The first 12 hex of a sha256 over the content. */
  readonly version: string;
  readonly features: readonly Feature[];
  /** Users of this version; each has one row. */
  readonly rowCount: number;
  readonly directory: Directory;
  /** The erased users of the folder, of whom the directory knows. */
  readonly erasures: Erasures;
  /** By user number: the row in this version, -1 = not in it. */
  readonly rowOf: Int32Array;
  readonly segmentCount: number;
  /**
   * The dictionary of a feature, empty for one that has no tokens; a feature that the population does not have is a bug
   * of the caller.
   */
  dictionary(feature: string): Dictionary;
  /**
   * The rows that follow those of the segments before, at most 65,536: views of the file, or copies where it has dead
   * rows. Those that are read into memory of the caller are valid until that is used again.
   */
  readSegment(index: number, into?: SegmentMemory): Rows;
  /** Any rows, in the given order, repeats allowed. Segments are kept up to `cacheBytes`. */
  readRows(rows: Int32Array): Rows;
}

/** What a model is bound to, adapted and scored on: the columns of users, whoever they are. */
export type UserRows = Pick<
  Population,
  'path' | 'version' | 'features' | 'rowCount' | 'segmentCount' | 'dictionary' | 'readSegment' | 'readRows'
>;

export interface OpenOptions {
  /** A published version; the current one if not given. */
  readonly version?: string;
  /**
   * Another thread has opened this version and so verified it: only sizes are checked, and what is not a segment is
   * read at its first use. Without it every file's sha256 is checked, and directory and `rowOf` are read at once.
   */
  readonly trusted?: boolean;
  /** What `prepareVersion` made of this version in another thread: nothing is verified or read again. */
  readonly prepared?: PreparedVersion;
  /** Those of the folder that another version was opened with: both learn of new ones at once. */
  readonly erasures?: Erasures;
  /**
   * How much `readRows` keeps, in bytes of columns. Reads of rows from everywhere find nothing again in less than the
   * whole population.
   */
  readonly cacheBytes?: number;
}

/** What look-ups need of a version, in memory that can be handed to another thread. */
export interface PreparedVersion {
  /** The texts, ends and slots of the directory's table. */
  readonly directory: { readonly bytes: Uint8Array; readonly ends: Uint32Array; readonly slots: Int32Array };
  readonly rowOf: Int32Array;
  /** Which places are users'; null where all are. */
  readonly users: Uint32Array | null;
}

const DEFAULT_CACHE_BYTES = 256 * 1024 * 1024;

/**
 * Opens a published version. Errors: AppError `invalid_population`, naming the file that is missing, damaged or
 * too new.
 */
export function openPopulation(path: string, options: OpenOptions = {}): Population {
  const version = options.version ?? findCurrentVersion(path);
  if (version === null) {
    throw new AppError(
      'invalid_population',
      `${path} is not a population: it has no file ${CURRENT_FILE} (was the import finished?)`,
    );
  }
  const manifest = readManifest(path, version);
  const { prepared, trusted = false, cacheBytes = DEFAULT_CACHE_BYTES } = options;
  verifyVersion(path, manifest, trusted || prepared ? 'sizes' : 'everything');
  const population = new FolderPopulation(path, manifest, cacheBytes, options.erasures ?? new Erasures(path));
  if (prepared) population.take(prepared);
  else if (!trusted) population.load();
  return population;
}

/** Verifies a version as `openPopulation` does, and reads what look-ups need. @throws AppError invalid_population */
export function prepareVersion(path: string, version: string): PreparedVersion {
  const manifest = readManifest(path, version);
  verifyVersion(path, manifest, 'everything');
  const table = readTable(path, manifest.directory);
  const { rowOf, users } = new FolderPopulation(path, manifest, 0, new Erasures(path));
  return { directory: { bytes: table.bytes, ends: table.ends, slots: table.prepare() }, rowOf, users };
}

/** Whether a version was published and not removed. */
export function hasVersion(path: string, version: string): boolean {
  return listVersions(path).includes(version);
}

class FolderPopulation implements Population {
  readonly path: string;
  readonly version: string;
  readonly features: readonly Feature[];
  readonly rowCount: number;
  readonly segmentCount: number;
  readonly erasures: Erasures;
  readonly #manifest: Manifest;
  readonly #layout: SegmentLayout;
  readonly #cacheBytes: number;
  readonly #cache: SegmentCache;
  readonly #dictionaries = new Map<string, Dictionary>();
  #directory: Directory | null = null;
  #rowOf: Int32Array | null = null;
  #users: Uint32Array | null = null;

  constructor(path: string, manifest: Manifest, cacheBytes: number, erasures: Erasures) {
    this.path = path;
    this.erasures = erasures;
    this.version = manifest.version;
    this.features = featuresOf(manifest);
    this.#manifest = manifest;
    this.#layout = new SegmentLayout(manifest.segments);
    this.rowCount = this.#layout.rowCount;
    this.segmentCount = this.#layout.segmentCount;
    this.#cacheBytes = cacheBytes;
    this.#cache = new SegmentCache(cacheBytes, (index) => this.#loadSegment(index));
  }

  /** Takes what another thread read. */
  take({ directory: { bytes, ends, slots }, rowOf, users }: PreparedVersion): void {
    this.#directory = createDirectory(new TextTable(bytes, ends, slots), this.erasures);
    this.#rowOf = rowOf;
    this.#users = users;
  }

  /** Reads now what a look-up needs, so that the first one does not wait for it. */
  load(): void {
    this.#readDirectory();
    void this.rowOf;
  }

  get directory(): Directory {
    return this.#directory ?? this.#readDirectory();
  }

  get rowOf(): Int32Array {
    if (this.#rowOf) return this.#rowOf;
    const placeOf = this.#readPlaces();
    if (!this.#layout.isDense) this.#users ??= this.#layout.markUsers(placeOf);
    this.#rowOf = this.#users ? this.#layout.toRows(placeOf, this.#users, this.#rowOfFile) : placeOf;
    return this.#rowOf;
  }

  get users(): Uint32Array | null {
    if (!this.#layout.isDense) this.#users ??= this.#layout.markUsers(this.#readPlaces());
    return this.#users;
  }

  dictionary(feature: string): Dictionary {
    const known = this.#dictionaries.get(feature);
    if (known) return known;
    const recorded = this.#manifest.dictionaries.find((one) => one.feature === feature);
    const own = this.features.find(({ name }) => name === feature);
    assert(own && (recorded || !hasTokens(own.kind)), `the population has no feature "${feature}"`);
    const dictionary = createDictionary(recorded ? readTable(this.path, recorded) : new TextTable());
    this.#dictionaries.set(feature, dictionary);
    return dictionary;
  }

  readSegment(index: number, into?: SegmentMemory): Rows {
    // A scan of all segments would only push out of the cache what `readRows` uses.
    return this.#cache.find(index) ?? this.#loadSegment(index, into);
  }

  readRows(rows: Int32Array): Rows {
    const layout = this.#layout;
    const [places, count] = layout.isDense
      ? [rows, this.rowCount]
      : [rows.map((row) => layout.locate(row)), this.segmentCount * SEGMENT_ROWS];
    const memory = new SegmentMemory();
    const load = (index: number) =>
      this.#cacheBytes === 0 ? this.#loadSegment(index, memory) : this.#cache.get(index);
    return gatherRows(places, count, this.features, load);
  }

  #readDirectory(): Directory {
    const table = readTable(this.path, this.#manifest.directory);
    table.prepare();
    this.#directory = createDirectory(table, this.erasures);
    return this.#directory;
  }

  get #rowOfFile(): string {
    return join(this.path, this.version, this.#manifest.row_of.path);
  }

  #readPlaces(): Int32Array {
    return readPlaces(this.#rowOfFile, this.#manifest);
  }

  #loadSegment(index: number, into?: SegmentMemory): Rows {
    if (!(index >= 0 && index < this.segmentCount))
      throw new RangeError(`segment ${index} is not in 0..${this.segmentCount - 1}`);
    const rows = readSegmentFile(this.path, this.#manifest, this.#layout.onDisk(index), into);
    if (!this.#layout.hasDead(index)) return rows;
    const users = this.users!;
    return selectRows(rows, this.features, (offset) => this.#layout.isUser(users, index, offset));
  }
}
