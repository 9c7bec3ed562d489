/** Reads one published version of a population: directory, dictionaries and segments. */
import { join } from 'node:path';
import type { Feature } from '../../dataset/features.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { hasTokens } from '../../lib/feature-kinds.ts';
import type { SpecialCampaigns } from '../../lib/special-categories.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { Erasures } from '../erase/erasures.ts';
import { selectRows } from '../import/segment-builder.ts';
import { readTable } from '../import/table-files.ts';
import { sha256 } from '../versions/files.ts';
import {
  CURRENT_FILE,
  featuresOf,
  findCurrentVersion,
  type IdentifierCounts,
  listVersions,
  type Manifest,
  readManifest,
} from '../versions/manifest.ts';
import { verifyVersion } from '../versions/verify.ts';
import { readPlaces, readSegmentFile } from '../versions/version-files.ts';
import { createDictionary, type Dictionary } from './dictionary.ts';
import { createDirectory, type Directory } from './directory.ts';
import { gatherRows } from './gather.ts';
import { type IdentifierBytes, IdentifierIndex, readIdentifiers } from './identifiers.ts';
import { SegmentCache } from './segment-cache.ts';
import { SegmentLayout } from './segment-layout.ts';
import { SegmentMemory } from './segment-memory.ts';
import { type Rows, SEGMENT_ROWS } from './segments.ts';

/** One published version of a population. Immutable: its arrays are shared and must not be written. */
export interface Population {
  readonly path: string;
  /** First 12 hex digits of the sha256 of the content. */
  readonly version: string;
  readonly features: readonly Feature[];
  /** The past campaigns of each special category. */
  readonly specialCampaigns: SpecialCampaigns;
  /** A sha256 of the users' ids and rows. It does not depend on features. */
  readonly usersSum: string;
  /** Number of users of this version, each of whom has one row. */
  readonly rowCount: number;
  readonly directory: Directory;
  /** The identifiers of users in this version, one index per label. The directory also finds users by them. */
  readonly identifiers: readonly IdentifierIndex[];
  /** Counts of the identifiers by label. Later erasures do not lower them. */
  readonly identifierCounts: readonly IdentifierCounts[];
  /** The folder's erased users, whom the directory hides. */
  readonly erasures: Erasures;
  /** For each user number, the user's row in this version; -1 if there is none. */
  readonly rowOf: Int32Array;
  readonly segmentCount: number;
  /**
   * The dictionary of a feature; empty for a feature without tokens. Passing an unknown feature is a bug in the caller.
   */
  dictionary(feature: string): Dictionary;
  /**
   * The rows of a segment (at most 65,536), as views of the file, or as copies if the segment has dead rows. Rows that
   * were read into the caller's memory are valid until this memory is reused.
   */
  readSegment(index: number, into?: SegmentMemory): Rows;
  /** Number of rows of a segment. The rows of a version are numbered segment by segment. */
  segmentRows(index: number): number;
  /** Identifies the rows of a segment, in the order of `readSegment`: equal ids mean equal rows, in any version. */
  segmentId(index: number): string;
  /** Reads the given rows in the given order. Repeats are allowed. Segments are cached up to `cacheBytes`. */
  readRows(rows: Int32Array): Rows;
}

/** The user columns without ids, which suffice to bind, adapt and score a model. */
export type UserRows = Pick<
  Population,
  'path' | 'version' | 'features' | 'rowCount' | 'segmentCount' | 'dictionary' | 'readSegment' | 'readRows'
>;

export interface OpenOptions {
  /** The published version to open. Default: the current version. */
  readonly version?: string;
  /**
   * Whether another thread has already verified this version. If so, only sizes are checked, and all data except
   * segments is read at first use. Otherwise the sha256 of every file is checked, and the directory and `rowOf` are
   * read at once.
   */
  readonly trusted?: boolean;
  /** Result of `prepareVersion` in another thread, so that nothing is verified or read twice. */
  readonly prepared?: PreparedVersion;
  /** Erasures of another open version of the folder, so that both versions see new erasures at the same time. */
  readonly erasures?: Erasures;
  /**
   * Size of the `readRows` cache, in bytes of cached columns. If the rows read are spread over all segments, the cache
   * helps only if the whole population fits into it.
   */
  readonly cacheBytes?: number;
}

/** Data for look-ups, in memory that can be transferred to another thread. */
export interface PreparedVersion {
  /** Strings, ends and slots of the directory's table. */
  readonly directory: { readonly bytes: Uint8Array; readonly ends: Uint32Array; readonly slots: Int32Array };
  readonly rowOf: Int32Array;
  readonly identifiers: readonly IdentifierBytes[];
  /** One bit per place: 1 if the place belongs to a user. Null if all places belong to users. */
  readonly users: Uint32Array | null;
}

const DEFAULT_CACHE_BYTES = 256 * 1024 * 1024;

/**
 * Opens a published version. Errors: AppError `invalid_population`, naming the file that is missing, damaged or from a
 * newer release.
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

/**
 * Verifies a version like `openPopulation`, or only its sizes if it `isVerified`, and reads the data for look-ups.
 * @throws AppError invalid_population
 */
export function prepareVersion(path: string, version: string, isVerified = false): PreparedVersion {
  const manifest = readManifest(path, version);
  verifyVersion(path, manifest, isVerified ? 'sizes' : 'everything');
  const table = readTable(path, manifest.directory);
  const { rowOf, users } = new FolderPopulation(path, manifest, 0, new Erasures(path));
  const directory = { bytes: table.bytes, ends: table.ends, slots: table.prepare() };
  return { directory, rowOf, users, identifiers: readIdentifiers(path, manifest) };
}

/** Whether a version was published and still exists. */
export function hasVersion(path: string, version: string): boolean {
  return listVersions(path).includes(version);
}

class FolderPopulation implements Population {
  readonly path: string;
  readonly version: string;
  readonly features: readonly Feature[];
  readonly specialCampaigns: SpecialCampaigns;
  readonly identifierCounts: readonly IdentifierCounts[];
  readonly usersSum: string;
  readonly rowCount: number;
  readonly segmentCount: number;
  readonly erasures: Erasures;
  readonly #manifest: Manifest;
  readonly #layout: SegmentLayout;
  readonly #cacheBytes: number;
  readonly #cache: SegmentCache;
  readonly #dictionaries = new Map<string, Dictionary>();
  #directory: Directory | null = null;
  #identifiers: readonly IdentifierIndex[] | null = null;
  #rowOf: Int32Array | null = null;
  #users: Uint32Array | null = null;

  constructor(path: string, manifest: Manifest, cacheBytes: number, erasures: Erasures) {
    this.path = path;
    this.erasures = erasures;
    this.version = manifest.version;
    this.features = featuresOf(manifest);
    this.specialCampaigns = manifest.special_campaigns ?? {};
    this.identifierCounts = manifest.identifiers ?? [];
    const { bytes, ends } = manifest.directory;
    const files = [bytes, ends, manifest.row_of].map((file) => file.sha256);
    this.usersSum = sha256(Buffer.from(files.join()));
    this.#manifest = manifest;
    this.#layout = new SegmentLayout(manifest.segments);
    this.rowCount = this.#layout.rowCount;
    this.segmentCount = this.#layout.segmentCount;
    this.#cacheBytes = cacheBytes;
    this.#cache = new SegmentCache(cacheBytes, (index) => this.#loadSegment(index));
  }

  /** Uses the data that another thread has read. */
  take({ directory: { bytes, ends, slots }, rowOf, users, identifiers }: PreparedVersion): void {
    this.#identifiers = identifiers.map((one) => new IdentifierIndex(one));
    this.#directory = createDirectory(new TextTable(bytes, ends, slots), this.erasures, this.#identifiers);
    this.#rowOf = rowOf;
    this.#users = users;
  }

  /** Reads the data for look-ups now, so that the first look-up does not wait. */
  load(): void {
    this.#readDirectory();
    void this.rowOf;
  }

  get directory(): Directory {
    return this.#directory ?? this.#readDirectory();
  }

  get identifiers(): readonly IdentifierIndex[] {
    this.#identifiers ??= readIdentifiers(this.path, this.#manifest).map((one) => new IdentifierIndex(one));
    return this.#identifiers;
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
    // This method does not cache segments, because a scan of all segments would evict the segments that `readRows`
    // uses.
    return this.#cache.find(index) ?? this.#loadSegment(index, into);
  }

  segmentRows(index: number): number {
    return this.#layout.rowsOf(index);
  }

  segmentId(index: number): string {
    const onDisk = this.#layout.onDisk(index);
    const { sha256: file } = this.#manifest.segments[onDisk]!;
    return this.#layout.hasDead(index) ? `${file} ${sha256(this.#layout.usersOf(this.users!, index))}` : file;
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
    this.#directory = createDirectory(table, this.erasures, this.identifiers);
    return this.#directory;
  }

  get #rowOfFile(): string {
    return join(this.path, this.version, this.#manifest.row_of.path);
  }

  #readPlaces(): Int32Array {
    return readPlaces(this.path, this.#manifest);
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
