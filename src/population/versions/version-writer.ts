/** Writes a version of a population; the caller must be the folder's only writer. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Feature } from '../../dataset/features.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { hasTokens } from '../../lib/feature-kinds.ts';
import { withStorage, writeDurably } from '../../lib/files/durable-files.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { Erasures } from '../erase/erasures.ts';
import { ImportErasures } from '../import/import-erasures.ts';
import { redactErased } from '../import/redaction.ts';
import type { RowFault, RowSink } from '../import/row-sink.ts';
import { SegmentBuilder } from '../import/segment-builder.ts';
import { describeTable, readTable } from '../import/table-files.ts';
import { SegmentLayout } from '../read/segment-layout.ts';
import { type Rows, SEGMENT_ROWS } from '../read/segments.ts';
import { sha256 } from './files.ts';
import { withErasuresLockSync } from './lock.ts';
import {
  dictionaryPaths,
  findCurrentVersion,
  INCOMING_FOLDER,
  type Manifest,
  type ManifestTable,
  READMISSION_FILE,
  readManifests,
  sealManifest,
  writeCurrent,
} from './manifest.ts';
import {
  type GrowingTable,
  makeVisible,
  type Publication,
  type SharedSegment,
  segmentPath,
  stage,
} from './publication.ts';
import { SegmentFiles } from './segment-files.ts';
import { recordPublished } from './version-order.ts';

/** Features and destination of an import. */
export interface ImportTarget {
  /** Folder of the population; created if it does not exist. */
  readonly out: string;
  /** Features, in the order of their columns. */
  readonly features: readonly Feature[];
  /** Names of the features that are marked as sensitive. */
  readonly sensitive: ReadonlySet<string>;
  /** Whether erased users who appear again are readmitted as new users. Default: their rows are left out. */
  readonly readmitErased?: boolean;
}

export interface ImportResult {
  readonly version: string;
  /** Number of users of this version. */
  readonly users: number;
  /** Number of users who were given a user number by this import. */
  readonly newUsers: number;
  /** Number of tokens in each feature's dictionary, including those of earlier versions. */
  readonly tokens: Readonly<Record<string, number>>;
  /** For each feature, the number of users with a value. */
  readonly coverage: Readonly<Record<string, number>>;
  /** Number of rows that were left out because their users were erased. */
  readonly erased: number;
}

/** Rows that the new version shares with an earlier version. */
export interface SharedRows {
  /** Shared segments, which become the first segments. */
  readonly segments: readonly SharedSegment[];
  /** For each user number, `segment * 65,536 + offset` in the shared segments; -1 for users without a row there. */
  readonly placeOf: Int32Array;
}

interface Staged {
  readonly publication: Publication;
  /** Whether a new version was published; false if the same version already existed. */
  readonly isNew: boolean;
}

/** Maximum number of attempts to stage a version while erasures may run; during the last attempt, erasures wait. */
const STAGE_ATTEMPTS = 5;

const NOTHING_SHARED: SharedRows = { segments: [], placeOf: new Int32Array(0) };

/** A version under construction: growing tables, and rows in the order they were added. The folder must be locked. */
export class VersionWriter implements RowSink {
  readonly scratch: string;
  readonly segment: SegmentBuilder;
  readonly directory: TextTable;
  /** Erased users, who must be left out. */
  readonly erased: ImportErasures;
  /** One dictionary per feature, in column order; the dictionary of a feature without tokens stays empty. */
  readonly dictionaries: readonly TextTable[];
  readonly #out: string;
  readonly #features: readonly Feature[];
  readonly #sensitive: ReadonlySet<string>;
  readonly #incoming: string;
  readonly #directory: GrowingTable;
  readonly #dictionaries: readonly GrowingTable[];
  readonly #files: SegmentFiles;
  #rows = 0;
  #rowOf = new Int32Array(SEGMENT_ROWS).fill(-1);

  /** Opens the writer, after overwriting the ids of erased users in the directory. */
  constructor({ out, features, sensitive, readmitErased = false }: ImportTarget) {
    this.#out = out;
    this.#features = features;
    this.#sensitive = sensitive;
    this.#incoming = join(out, INCOMING_FOLDER);
    this.scratch = join(this.#incoming, 'scratch');
    this.segment = new SegmentBuilder(features);
    this.#files = new SegmentFiles(this.#incoming, features);
    withStorage(`write ${this.#incoming}`, () => {
      rmSync(this.#incoming, { recursive: true, force: true });
      mkdirSync(join(this.#incoming, 'segments'), { recursive: true });
      // this file is written before erasures are read, so that users who are erased from now on are recorded again
      if (readmitErased) writeDurably(join(this.#incoming, READMISSION_FILE), new Uint8Array());
    });
    const erasures = new Erasures(out);
    redactErased(out, erasures);
    const published = readManifests(out);
    this.#directory = this.#openTable(published.map((manifest) => manifest.directory));
    this.#dictionaries = features.map(({ name }) =>
      this.#openTable(published.flatMap((manifest) => manifest.dictionaries.filter(({ feature }) => feature === name))),
    );
    this.directory = this.#directory.table;
    this.erased = new ImportErasures(out, erasures, this.directory, readmitErased);
    this.dictionaries = this.#dictionaries.map(({ table }) => table);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Number of segments written. */
  get segments(): number {
    return this.#files.segments.length;
  }

  endRow(userNumber: UserNumber): RowFault | null {
    if (!this.#takeRow(userNumber)) return 'repeated';
    this.segment.endRow(userNumber);
    if (this.segment.isFull) this.#writeSegment();
    return null;
  }

  endRows(users: Int32Array): { at: number; fault: RowFault } | null {
    for (let i = 0; i < users.length; i++) if (!this.#takeRow(users[i]!)) return { at: i, fault: 'repeated' };
    this.segment.endRows(users);
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

  writeAhead(): Promise<void> {
    return this.#files.writeAhead();
  }

  settle(): Promise<void> {
    return this.#files.settle();
  }

  /** Ends the last segment and publishes the version. Shared rows come before new rows. */
  publish(shared: SharedRows = NOTHING_SHARED): ImportResult {
    if (this.segment.count > 0) this.#writeSegment();
    this.#files.finish();
    const users = this.#rows + shared.segments.reduce((sum, { rows, dead = 0 }) => sum + rows - dead, 0);
    const version = withStorage(`write ${this.#out}`, () => this.#publish(users, shared));
    const byFeature = (count: (index: number) => number) =>
      Object.fromEntries(this.#features.map(({ name }, i) => [name, count(i)]));
    return {
      version,
      users,
      newUsers: this.directory.count - (this.#directory.published?.count ?? 0),
      tokens: byFeature((i) => this.#dictionaries[i]!.table.count),
      coverage: byFeature((i) => this.#files.coverage[i]!),
      erased: this.erased.rows,
    };
  }

  /**
   * Opens a table as recorded by the version with the most strings, which has all strings because tables only grow. Any
   * bytes after the recorded end were left by a killed import.
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
    this.#files.add(this.segment.view());
    this.segment.clear();
  }

  /**
   * Publishes the version. All data is on disk before the erasure lock is acquired, so erasures wait only for a rename.
   * If a new user is erased in the meantime, the version is staged again, because the user's id must not be written.
   */
  #publish(users: number, shared: SharedRows): string {
    const rowOf = new Uint8Array(this.#placeAll(shared).buffer);
    rmSync(this.scratch, { recursive: true, force: true });
    for (let attempt = 1; attempt < STAGE_ATTEMPTS; attempt++) {
      const staged = this.#stage(users, rowOf, shared);
      const isPublished = withErasuresLockSync(this.#out, () => {
        if (this.erased.hasLateUsers()) return false;
        this.#makeVisible(staged);
        return true;
      });
      if (isPublished) return staged.publication.manifest.version;
    }
    return withErasuresLockSync(this.#out, () => {
      const staged = this.#stage(users, rowOf, shared);
      this.#makeVisible(staged);
      return staged.publication.manifest.version;
    });
  }

  #stage(users: number, rowOf: Uint8Array, shared: SharedRows): Staged {
    this.erased.redactNewUsers();
    const publication = {
      ...{ out: this.#out, manifest: this.#seal(users, rowOf, shared.segments), rowOf, shared: shared.segments },
      directory: this.#directory,
      dictionaries: new Map(this.#features.map(({ name }, i) => [name, this.#dictionaries[i]!])),
    };
    return { publication, isNew: stage(publication) };
  }

  #makeVisible({ publication, isNew }: Staged): void {
    const { version } = publication.manifest;
    if (isNew) {
      rmSync(join(this.#incoming, READMISSION_FILE), { force: true });
      makeVisible(publication);
      this.erased.recordNewUsers();
    }
    // the publication is recorded before the version becomes current, so that the next update builds on this version
    // even if the process is killed in between
    recordPublished(this.#out, version);
    if (findCurrentVersion(this.#out) !== version) writeCurrent(this.#out, version);
  }

  /** For each user number, the place of the user's row. New rows follow the shared rows. */
  #placeAll({ segments, placeOf }: SharedRows): Int32Array {
    const rowOf = new Int32Array(this.directory.count).fill(-1);
    rowOf.set(placeOf);
    const first = segments.length * SEGMENT_ROWS;
    const known = Math.min(rowOf.length, this.#rowOf.length);
    for (let user = 0; user < known; user++) if (this.#rowOf[user]! >= 0) rowOf[user] = first + this.#rowOf[user]!;
    return rowOf;
  }

  #seal(users: number, rowOf: Uint8Array, shared: readonly SharedSegment[]): Manifest {
    const segments = [...shared.map(({ file: _, ...recorded }) => recorded), ...this.#files.segments];
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
