/** Writes a version of a population under the folder's lock; nothing is published unless all of it could be read. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Feature } from '../dataset/features.ts';
import type { UserNumber } from '../lib/brands.ts';
import { replaceDurably, syncFolder, withStorage, writeDurably } from '../lib/durable-files.ts';
import { AppError } from '../lib/errors.ts';
import { hasTokens } from '../lib/feature-kinds.ts';
import { countValues } from './coverage.ts';
import { sha256 } from './files.ts';
import { takeLock } from './lock.ts';
import {
  CONTRACT_VERSION,
  CURRENT_FILE,
  DICTIONARIES_FOLDER,
  dictionaryPaths,
  encodeManifest,
  findCurrentVersion,
  INCOMING_FOLDER,
  LOCK_FILE,
  listVersions,
  MANIFEST_FILE,
  type Manifest,
  type ManifestTable,
  readManifest,
  sealManifest,
} from './manifest.ts';
import { SegmentBuilder } from './segment-builder.ts';
import { encodeSegment, type Rows, SEGMENT_ROWS } from './segments.ts';
import { appendTable, describeTable, readVerifiedTable } from './table-files.ts';
import { TextTable } from './text-table.ts';
import type { UserSink } from './users.ts';
import { verifyVersion } from './verify.ts';

/** What is imported, and where to. */
export interface ImportTarget {
  /** The population's folder; made if it is not there. */
  readonly out: string;
  /** In the order of their columns. */
  readonly features: readonly Feature[];
  /** Names of the features that are marked as sensitive. */
  readonly sensitive: ReadonlySet<string>;
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
}

/**
 * Gives `read` a writer to fill, under the lock of the folder, and publishes what it filled. Equal content over an
 * equal folder gives an equal version: importing again what is current changes nothing (a damaged copy of that version
 * is replaced). Errors: what `read` throws, and AppError `unavailable` (another import runs), `invalid_population` (the
 * folder is damaged), `storage_failed`. After any of them the folder serves what it served before.
 */
export async function publishVersion(
  target: ImportTarget,
  read: (writer: VersionWriter) => Promise<void>,
): Promise<ImportResult> {
  const { out } = target;
  const isNew = !existsSync(out);
  const release = withStorage(`write ${out}`, () => {
    mkdirSync(out, { recursive: true });
    return takeLock(join(out, LOCK_FILE));
  });
  try {
    const writer = new VersionWriter(target);
    await read(writer);
    return writer.publish();
  } finally {
    rmSync(join(out, INCOMING_FOLDER), { recursive: true, force: true });
    release();
    if (isNew && readdirSync(out).length === 0) rmdirSync(out);
  }
}

/** A table that this import adds to. */
interface GrowingTable {
  readonly table: TextTable;
  /** As the largest published version has it; null if none does. */
  readonly published: ManifestTable | null;
}

/** A version while it is made, under the lock: tables that grow, and rows in the order in which they are added. */
export class VersionWriter implements UserSink {
  /** For what an import needs on disk while it runs; removed with the rest. */
  readonly scratch: string;
  readonly segment: SegmentBuilder;
  readonly directory: TextTable;
  /** By feature, in the order of the columns; features without tokens leave theirs empty. */
  readonly dictionaries: readonly TextTable[];
  readonly #out: string;
  readonly #features: readonly Feature[];
  readonly #sensitive: ReadonlySet<string>;
  readonly #incoming: string;
  readonly #directory: GrowingTable;
  readonly #dictionaries: readonly GrowingTable[];
  readonly #segments: Manifest['segments'] = [];
  readonly #coverage: number[];
  #rows = 0;
  #rowOf = new Int32Array(SEGMENT_ROWS).fill(-1);

  constructor({ out, features, sensitive }: ImportTarget) {
    this.#out = out;
    this.#features = features;
    this.#sensitive = sensitive;
    this.#incoming = join(out, INCOMING_FOLDER);
    this.scratch = join(this.#incoming, 'scratch');
    this.segment = new SegmentBuilder(features);
    this.#coverage = features.map(() => 0);
    const published = listVersions(out).map((version) => readManifest(out, version));
    this.#directory = this.#openTable(published.map((manifest) => manifest.directory));
    this.#dictionaries = features.map(({ name }) =>
      this.#openTable(published.flatMap((manifest) => manifest.dictionaries.filter(({ feature }) => feature === name))),
    );
    this.directory = this.#directory.table;
    this.dictionaries = this.#dictionaries.map(({ table }) => table);
    withStorage(`write ${this.#incoming}`, () => {
      rmSync(this.#incoming, { recursive: true, force: true });
      mkdirSync(join(this.#incoming, 'segments'), { recursive: true });
    });
  }

  /** Rows so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Ends the row that `segment` has open; false, and nothing is ended, where the user has a row already. */
  endRow(userNumber: UserNumber): boolean {
    if (!this.#takeRow(userNumber)) return false;
    this.segment.endRow(userNumber);
    if (this.segment.isFull) this.#writeSegment();
    return true;
  }

  /** Adds whole rows. Where a user has a row already, its index (the import is then to be given up), else -1. */
  addRows(rows: Rows): number {
    for (let i = 0; i < rows.count; i++) if (!this.#takeRow(rows.userNumbers[i]!)) return i;
    for (let from = 0; from < rows.count; ) {
      const to = Math.min(rows.count, from + SEGMENT_ROWS - this.segment.count);
      this.segment.append(rows, from, to);
      if (this.segment.isFull) this.#writeSegment();
      from = to;
    }
    return -1;
  }

  /** Ends the last segment and makes the version visible. */
  publish(): ImportResult {
    if (this.segment.count > 0) this.#writeSegment();
    const version = withStorage(`write ${this.#out}`, () => this.#publish());
    const byFeature = (count: (index: number) => number) =>
      Object.fromEntries(this.#features.map(({ name }, i) => [name, count(i)]));
    return {
      version,
      users: this.#rows,
      newUsers: this.directory.count - (this.#directory.published?.count ?? 0),
      tokens: byFeature((i) => this.#dictionaries[i]!.table.count),
      coverage: byFeature((i) => this.#coverage[i]!),
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
    return { table: published ? readVerifiedTable(this.#out, published) : new TextTable(), published };
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
    const path = `segments/${String(this.#segments.length).padStart(6, '0')}.arrow`;
    const view = this.segment.view();
    const bytes = encodeSegment(view, this.#features);
    for (const [i, { name }] of this.#features.entries())
      this.#coverage[i]! += countValues(view.columns.get(name)!, view.count);
    withStorage(`write ${this.#incoming}`, () => writeDurably(join(this.#incoming, path), bytes));
    this.#segments.push({ rows: this.segment.count, path, size: bytes.length, sha256: sha256(bytes) });
    this.segment.clear();
  }

  /**
   * Makes the version visible. Killed before `current` is replaced, the old version serves on: what was appended lies
   * behind what any manifest records and is cut off by the next import, or a whole version lies there that the same
   * import finds again.
   */
  #publish(): string {
    const directory = this.#directory;
    const dictionaries = this.#dictionaries;
    const rowOf = new Int32Array(directory.table.count).fill(-1);
    rowOf.set(this.#rowOf.subarray(0, rowOf.length));
    const rowOfBytes = new Uint8Array(rowOf.buffer);
    const manifest = sealManifest({
      contract: CONTRACT_VERSION,
      features: this.#features.map(({ name, kind, size }) => ({
        name,
        kind,
        ...(size === undefined ? {} : { size }),
        ...(this.#sensitive.has(name) ? { sensitive: true as const } : {}),
      })),
      rows: this.#rows,
      segment_rows: SEGMENT_ROWS,
      directory: describeTable(directory.table, 'directory.bytes', 'directory.ends'),
      dictionaries: this.#features.flatMap(({ name, kind }, i) => {
        const paths = dictionaryPaths(name);
        const { table } = dictionaries[i]!;
        return hasTokens(kind) ? [{ feature: name, ...describeTable(table, paths.bytes, paths.ends) }] : [];
      }),
      row_of: { path: 'row-of.i32', size: rowOfBytes.length, sha256: sha256(rowOfBytes) },
      segments: this.#segments,
    });
    if (!this.#isIntact(manifest)) {
      mkdirSync(join(this.#out, DICTIONARIES_FOLDER), { recursive: true });
      appendTable(this.#out, directory.table, manifest.directory, directory.published);
      for (const [i, { name }] of this.#features.entries()) {
        const recorded = manifest.dictionaries.find(({ feature }) => feature === name);
        if (recorded) appendTable(this.#out, dictionaries[i]!.table, recorded, dictionaries[i]!.published);
      }
      syncFolder(join(this.#out, DICTIONARIES_FOLDER));
      writeDurably(join(this.#incoming, manifest.row_of.path), rowOfBytes);
      writeDurably(join(this.#incoming, MANIFEST_FILE), encodeManifest(manifest));
      rmSync(this.scratch, { recursive: true, force: true });
      syncFolder(join(this.#incoming, 'segments'));
      syncFolder(this.#incoming);
      // The tables' names must be durable before a manifest that records them is.
      syncFolder(this.#out);
      rmSync(join(this.#out, manifest.version), { recursive: true, force: true });
      renameSync(this.#incoming, join(this.#out, manifest.version));
      syncFolder(this.#out);
    }
    if (findCurrentVersion(this.#out) !== manifest.version) {
      const current = join(this.#out, CURRENT_FILE);
      replaceDurably(current, Buffer.from(`${manifest.version}\n`), `${current}.tmp`);
    }
    return manifest.version;
  }

  /** Whether the same version is already there, whole. */
  #isIntact(manifest: Manifest): boolean {
    if (!existsSync(join(this.#out, manifest.version))) return false;
    try {
      verifyVersion(this.#out, manifest, 'everything');
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === 'invalid_population') return false;
      throw error;
    }
  }
}
