/** Writes a version of a population under the folder's lock; nothing is published unless all of it could be read. */

import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Feature } from '../dataset/features.ts';
import type { UserNumber } from '../lib/brands.ts';
import { withStorage, writeDurably } from '../lib/durable-files.ts';
import { AppError } from '../lib/errors.ts';
import { hasTokens } from '../lib/feature-kinds.ts';
import { countValues } from './coverage.ts';
import { withErasureLock } from './erase-users.ts';
import { Erasures } from './erasures.ts';
import { sha256 } from './files.ts';
import { ImportErasures } from './import-erasures.ts';
import { takeLock } from './lock.ts';
import {
  dictionaryPaths,
  INCOMING_FOLDER,
  LOCK_FILE,
  listVersions,
  type Manifest,
  type ManifestSegment,
  type ManifestTable,
  readManifest,
  sealManifest,
} from './manifest.ts';
import { type GrowingTable, publish, type SharedSegment, segmentPath } from './publication.ts';
import { redactErased } from './redaction.ts';
import type { RowFault, RowSink } from './row-sink.ts';
import { SegmentBuilder } from './segment-builder.ts';
import { SegmentLayout } from './segment-layout.ts';
import { encodeSegment, type Rows, SEGMENT_ROWS } from './segments.ts';
import { describeTable, readTable } from './table-files.ts';
import { TextTable } from './text-table.ts';

/** What is imported, and where to. */
export interface ImportTarget {
  /** The population's folder; made if it is not there. */
  readonly out: string;
  /** In the order of their columns. */
  readonly features: readonly Feature[];
  /** Names of the features that are marked as sensitive. */
  readonly sensitive: ReadonlySet<string>;
  /** Whether users who were erased, and are there again, are let in as new users; they are left out if not given. */
  readonly readmitErased?: boolean;
}

export interface ImportResult {
  readonly version: string;
  /** Users of this version. */
  readonly users: number;
  /** Users that got a user number by this import. */
  readonly newUsers: number;
  /** Different tokens in each feature's dictionary, those of earlier versions counted. */
  readonly tokens: Readonly<Record<string, number>>;
  /** Users with a value, by feature. */
  readonly coverage: Readonly<Record<string, number>>;
  /** Rows that were left out because their users were erased. */
  readonly erased: number;
}

/**
 * Runs `action` under the lock of the folder, which is made if it is not there. Errors: what `action` throws, and
 * AppError `unavailable` (another import runs), `storage_failed`. What `action` did not publish is removed.
 */
export async function withImportLock<T>(out: string, action: () => Promise<T>): Promise<T> {
  const isNew = !existsSync(out);
  const release = withStorage(`write ${out}`, () => {
    mkdirSync(out, { recursive: true });
    return takeLock(join(out, LOCK_FILE));
  });
  try {
    return await action();
  } finally {
    rmSync(join(out, INCOMING_FOLDER), { recursive: true, force: true });
    release();
    if (isNew && readdirSync(out).length === 0) rmdirSync(out);
  }
}

/**
 * Gives `read` a writer to fill, under the lock of the folder, and publishes what it filled. Equal content over an
 * equal folder gives an equal version: importing again what is current changes nothing (a damaged copy of that version
 * is replaced). `from` says in a refusal what was read. Errors: what `read` throws, those of `withImportLock`, and
 * AppError `invalid_population` (the folder is damaged), `invalid_data` (there is no user). After any of them the
 * folder serves what it served before.
 */
export async function publishVersion(
  target: ImportTarget,
  from: string,
  read: (writer: VersionWriter) => Promise<void>,
): Promise<ImportResult> {
  return await withImportLock(target.out, async () => {
    const writer = new VersionWriter(target);
    await read(writer);
    if (writer.rows === 0) throw new AppError('invalid_data', `${from} is empty: a population needs at least one user`);
    return writer.publish();
  });
}

/** Rows of an earlier version that the new one has too. */
export interface SharedRows {
  /** They become the first segments. */
  readonly segments: readonly SharedSegment[];
  /** By user number: `segment * 65,536 + offset` in these, -1 for users without a row in them. */
  readonly placeOf: Int32Array;
}

const NOTHING_SHARED: SharedRows = { segments: [], placeOf: new Int32Array(0) };

/** A version while it is made, under the lock: tables that grow, and rows in the order in which they are added. */
export class VersionWriter implements RowSink {
  readonly scratch: string;
  readonly segment: SegmentBuilder;
  readonly directory: TextTable;
  /** Users who must be left out. */
  readonly erased: ImportErasures;
  /** By feature, in the order of the columns; features without tokens leave theirs empty. */
  readonly dictionaries: readonly TextTable[];
  readonly #out: string;
  readonly #features: readonly Feature[];
  readonly #sensitive: ReadonlySet<string>;
  readonly #incoming: string;
  readonly #directory: GrowingTable;
  readonly #dictionaries: readonly GrowingTable[];
  readonly #segments: ManifestSegment[] = [];
  readonly #coverage: number[];
  #rows = 0;
  #rowOf = new Int32Array(SEGMENT_ROWS).fill(-1);

  /** Ids of erased users are overwritten first, where they stand in the directory. */
  constructor({ out, features, sensitive, readmitErased = false }: ImportTarget) {
    this.#out = out;
    this.#features = features;
    this.#sensitive = sensitive;
    this.#incoming = join(out, INCOMING_FOLDER);
    this.scratch = join(this.#incoming, 'scratch');
    this.segment = new SegmentBuilder(features);
    this.#coverage = features.map(() => 0);
    const erasures = new Erasures(out);
    redactErased(out, erasures);
    const published = listVersions(out).map((version) => readManifest(out, version));
    this.#directory = this.#openTable(published.map((manifest) => manifest.directory));
    this.#dictionaries = features.map(({ name }) =>
      this.#openTable(published.flatMap((manifest) => manifest.dictionaries.filter(({ feature }) => feature === name))),
    );
    this.directory = this.#directory.table;
    this.erased = new ImportErasures(out, erasures, this.directory, readmitErased);
    this.dictionaries = this.#dictionaries.map(({ table }) => table);
    withStorage(`write ${this.#incoming}`, () => {
      rmSync(this.#incoming, { recursive: true, force: true });
      mkdirSync(join(this.#incoming, 'segments'), { recursive: true });
    });
  }

  get rows(): number {
    return this.#rows;
  }

  /** Segments that were written. */
  get segments(): number {
    return this.#segments.length;
  }

  endRow(userNumber: UserNumber): RowFault | null {
    if (!this.#takeRow(userNumber)) return 'repeated';
    this.segment.endRow(userNumber);
    if (this.segment.isFull) this.#writeSegment();
    return null;
  }

  addRows(rows: Rows, start = 0, end = rows.count): { at: number; fault: RowFault } | null {
    for (let i = start; i < end; i++) if (!this.#takeRow(rows.userNumbers[i]!)) return { at: i, fault: 'repeated' };
    for (let from = start; from < end; ) {
      const to = Math.min(end, from + SEGMENT_ROWS - this.segment.count);
      this.segment.append(rows, from, to);
      if (this.segment.isFull) this.#writeSegment();
      from = to;
    }
    return null;
  }

  /** Ends the last segment and makes the version visible, with the rows of an earlier one before its own. */
  publish(shared: SharedRows = NOTHING_SHARED): ImportResult {
    if (this.segment.count > 0) this.#writeSegment();
    const users = this.#rows + shared.segments.reduce((sum, { rows, dead = 0 }) => sum + rows - dead, 0);
    const version = withErasureLock(this.#out, () =>
      withStorage(`write ${this.#out}`, () => this.#publish(users, shared)),
    );
    const byFeature = (count: (index: number) => number) =>
      Object.fromEntries(this.#features.map(({ name }, i) => [name, count(i)]));
    return {
      version,
      users,
      newUsers: this.directory.count - (this.#directory.published?.count ?? 0),
      tokens: byFeature((i) => this.#dictionaries[i]!.table.count),
      coverage: byFeature((i) => this.#coverage[i]!),
      erased: this.erased.rows,
    };
  }

  /**
   * Tables only grow, so that the one with the most texts holds all of them. What lies behind it was left by a killed
   * import.
   */
  #openTable(recorded: readonly ManifestTable[]): GrowingTable {
    const published = recorded.reduce<ManifestTable | null>(
      (most, one) => (most && most.count >= one.count ? most : one),
      null,
    );
    return { table: published ? readTable(this.#out, published) : new TextTable(), published };
  }

  #takeRow(userNumber: UserNumber): boolean {
    if (userNumber >= this.#rowOf.length) {
      const grown = new Int32Array(Math.max(2 * this.#rowOf.length, userNumber + 1)).fill(-1);
      grown.set(this.#rowOf);
      this.#rowOf = grown;
    }
    if (this.#rowOf[userNumber] !== -1) return false;
    this.#rowOf[userNumber] = this.#rows;
    this.#rows += 1;
    return true;
  }

  #writeSegment(): void {
    const path = segmentPath(this.#segments.length);
    const view = this.segment.view();
    const bytes = encodeSegment(view, this.#features);
    for (const [i, { name }] of this.#features.entries())
      this.#coverage[i]! += countValues(view.columns.get(name)!, view.count);
    withStorage(`write ${this.#incoming}`, () => writeDurably(join(this.#incoming, path), bytes));
    this.#segments.push({ rows: this.segment.count, path, size: bytes.length, sha256: sha256(bytes) });
    this.segment.clear();
  }

  #publish(users: number, shared: SharedRows): string {
    this.erased.redactNewUsers();
    const rowOf = new Uint8Array(this.#placeAll(shared).buffer);
    const manifest = this.#seal(users, rowOf, shared.segments);
    rmSync(this.scratch, { recursive: true, force: true });
    publish({
      ...{ out: this.#out, manifest, rowOf, shared: shared.segments, directory: this.#directory },
      dictionaries: new Map(this.#features.map(({ name }, i) => [name, this.#dictionaries[i]!])),
      onPublished: () => this.erased.recordNewUsers(),
    });
    return manifest.version;
  }

  /** By user number: the place of each row, own ones behind those that are shared. */
  #placeAll({ segments, placeOf }: SharedRows): Int32Array {
    const rowOf = new Int32Array(this.directory.count).fill(-1);
    rowOf.set(placeOf);
    const first = segments.length * SEGMENT_ROWS;
    const known = Math.min(rowOf.length, this.#rowOf.length);
    for (let user = 0; user < known; user++) if (this.#rowOf[user]! >= 0) rowOf[user] = first + this.#rowOf[user]!;
    return rowOf;
  }

  #seal(users: number, rowOf: Uint8Array, shared: readonly SharedSegment[]): Manifest {
    const segments = [...shared.map(({ file: _, ...recorded }) => recorded), ...this.#segments];
    return sealManifest({
      contract: new SegmentLayout(segments).isDense ? 1 : 2,
      features: this.#features.map(({ name, kind, size }) => ({
        name,
        kind,
        ...(size === undefined ? {} : { size }),
        ...(this.#sensitive.has(name) ? { sensitive: true as const } : {}),
      })),
      rows: users,
      segment_rows: SEGMENT_ROWS,
      directory: describeTable(this.directory, 'directory.bytes', 'directory.ends'),
      dictionaries: this.#features.flatMap(({ name, kind }, i) => {
        const paths = dictionaryPaths(name);
        const table = this.dictionaries[i]!;
        return hasTokens(kind) ? [{ feature: name, ...describeTable(table, paths.bytes, paths.ends) }] : [];
      }),
      row_of: { path: 'row-of.i32', size: rowOf.length, sha256: sha256(rowOf) },
      segments: segments.map((one, index) => ({ ...one, path: segmentPath(index) })),
    });
  }
}
