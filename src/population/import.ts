/** Imports the users of a data set as a new version of a population; nothing is published unless every line is good. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { getDataSetFile, openDataSet } from '../dataset/data-set.ts';
import { checkFeatures, type Feature } from '../dataset/features.ts';
import { lineError, readLines } from '../dataset/lines.ts';
import { type JsonRecord, parseRecord } from '../dataset/records.ts';
import type { UserNumber } from '../lib/brands.ts';
import { replaceDurably, syncFolder, withStorage, writeDurably } from '../lib/durable-files.ts';
import { AppError } from '../lib/errors.ts';
import { hasTokens } from '../lib/feature-kinds.ts';
import { sha256 } from './files.ts';
import { IMPORT_LIMITS, type ImportLimits } from './import-limits.ts';
import { checkSchema, sensitiveFeatures } from './import-schema.ts';
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
import { encodeSegment, SEGMENT_ROWS } from './segments.ts';
import { appendTable, describeTable, readVerifiedTable } from './table-files.ts';
import { TextTable } from './text-table.ts';
import { readUser } from './users.ts';
import { verifyVersion } from './verify.ts';

/** Lists of tokens by feature and user id. */
export type Derived = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

export interface ImportOptions {
  /** A data set folder; only its description and its users are read. */
  readonly source: string;
  /** The features to import, in the order of their columns; the data set must have each of them, of the same kind. */
  readonly features: readonly Feature[];
  /** The population's folder; made if it is not there. */
  readonly out: string;
  readonly limits?: Partial<ImportLimits>;
  /** Features whose values are not in the file: lists of tokens by user id. */
  readonly derived?: Derived;
  /** Called after each batch of lines with the users read so far. */
  readonly onProgress?: (usersRead: number) => void;
}

export interface ImportResult {
  readonly version: string;
  /** Users of this version. */
  readonly users: number;
  /** Users that got a user number by this import. */
  readonly newUsers: number;
  /** Different tokens in each feature's dictionary, those of earlier versions counted. */
  readonly tokens: Readonly<Record<string, number>>;
}

/**
 * Imports a data set. User numbers and codes of earlier versions stay; users that are not in this data set keep their
 * number and have no row. Rows are in the order of the file. Equal content over an equal folder gives an equal version:
 * importing again what is current changes nothing (a damaged copy of that version is replaced). Errors: AppError
 * `invalid_data` (naming file:line), `invalid_argument` (features), `unavailable` (another import runs),
 * `invalid_population` (the folder is damaged), `storage_failed`. After any of them the folder serves what it served
 * before.
 */
export async function importPopulation(options: ImportOptions): Promise<ImportResult> {
  const { source, features, out } = options;
  if (features.length === 0) throw new AppError('invalid_argument', 'a population needs at least one user feature');
  checkFeatures(features, 'features', 'invalid_argument');
  const dataSet = openDataSet(source);
  checkSchema(
    dataSet,
    features.filter(({ name }) => !options.derived?.has(name)),
  );
  const users = getDataSetFile(dataSet, 'users.ndjson');

  const isNew = !existsSync(out);
  const release = withStorage(`write ${out}`, () => {
    mkdirSync(out, { recursive: true });
    return takeLock(join(out, LOCK_FILE));
  });
  const incoming = join(out, INCOMING_FOLDER);
  try {
    return await new Importer(options, sensitiveFeatures(dataSet), users).run();
  } finally {
    rmSync(incoming, { recursive: true, force: true });
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

/** One import, under the lock. */
class Importer {
  readonly #out: string;
  readonly #usersFile: string;
  readonly #features: readonly Feature[];
  readonly #sensitive: ReadonlySet<string>;
  readonly #limits: ImportLimits;
  readonly #derived: Derived;
  readonly #onProgress: (usersRead: number) => void;
  readonly #incoming: string;
  readonly #segment: SegmentBuilder;
  readonly #segments: Manifest['segments'] = [];
  #rows = 0;
  #rowOf = new Int32Array(SEGMENT_ROWS).fill(-1);

  constructor(options: ImportOptions, sensitive: ReadonlySet<string>, usersFile: string) {
    this.#out = options.out;
    this.#sensitive = sensitive;
    this.#usersFile = usersFile;
    this.#features = options.features;
    this.#limits = { ...IMPORT_LIMITS, ...options.limits };
    this.#derived = options.derived ?? new Map();
    this.#onProgress = options.onProgress ?? (() => {});
    this.#incoming = join(options.out, INCOMING_FOLDER);
    this.#segment = new SegmentBuilder(options.features);
  }

  async run(): Promise<ImportResult> {
    const published = listVersions(this.#out).map((version) => readManifest(this.#out, version));
    const directory = this.#openTable(published.map((manifest) => manifest.directory));
    const dictionaries = this.#features.map(({ name }) =>
      this.#openTable(published.flatMap((manifest) => manifest.dictionaries.filter(({ feature }) => feature === name))),
    );
    withStorage(`write ${this.#incoming}`, () => {
      rmSync(this.#incoming, { recursive: true, force: true });
      mkdirSync(join(this.#incoming, 'segments'), { recursive: true });
    });
    await this.#readUsers(
      directory.table,
      dictionaries.map(({ table }) => table),
    );
    const version = withStorage(`write ${this.#out}`, () => this.#publish(directory, dictionaries));
    return {
      version,
      users: this.#rows,
      newUsers: directory.table.count - (directory.published?.count ?? 0),
      tokens: Object.fromEntries(this.#features.map(({ name }, i) => [name, dictionaries[i]!.table.count])),
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

  async #readUsers(directory: TextTable, dictionaries: readonly TextTable[]): Promise<void> {
    const sink = { directory, dictionaries, segment: this.#segment };
    for await (const { firstLine, lines } of readLines(this.#usersFile, this.#limits)) {
      for (let i = 0; i < lines.length; i++) {
        const line = firstLine + i;
        const record = parseRecord(lines[i]!, this.#usersFile, line);
        if (record === null) continue;
        const whole = this.#derived.size === 0 ? record : this.#withDerived(record);
        const userNumber = readUser(whole, this.#usersFile, line, this.#features, sink, this.#limits);
        this.#addRow(userNumber, directory, line);
      }
      this.#onProgress(this.#rows);
    }
    if (this.#rows === 0)
      throw new AppError('invalid_data', `${this.#usersFile} is empty: a population needs at least one user`);
    if (this.#segment.count > 0) this.#writeSegment();
  }

  #withDerived(record: JsonRecord): JsonRecord {
    const lists = [...this.#derived].map(([name, byUser]) => [name, byUser.get(record['user_id'] as string) ?? []]);
    return { ...record, ...Object.fromEntries(lists) };
  }

  #addRow(userNumber: UserNumber, directory: TextTable, line: number): void {
    if (userNumber >= this.#rowOf.length) {
      const grown = new Int32Array(Math.max(2 * this.#rowOf.length, userNumber + 1)).fill(-1);
      grown.set(this.#rowOf);
      this.#rowOf = grown;
    }
    if (this.#rowOf[userNumber] !== -1) {
      const value = directory.text(userNumber);
      throw lineError(this.#usersFile, line, `the user "${value}" is there for the second time`, { value });
    }
    this.#rowOf[userNumber] = this.#rows;
    this.#rows += 1;
    this.#segment.endRow(userNumber);
    if (this.#segment.isFull) this.#writeSegment();
  }

  #writeSegment(): void {
    const path = `segments/${String(this.#segments.length).padStart(6, '0')}.arrow`;
    const bytes = encodeSegment(this.#segment.view(), this.#features);
    withStorage(`write ${this.#incoming}`, () => writeDurably(join(this.#incoming, path), bytes));
    this.#segments.push({ rows: this.#segment.count, path, size: bytes.length, sha256: sha256(bytes) });
    this.#segment.clear();
  }

  /**
   * Makes the version visible. Killed before `current` is replaced, the old version serves on: what was appended lies
   * behind what any manifest records and is cut off by the next import, or a whole version lies there that the same
   * import finds again.
   */
  #publish(directory: GrowingTable, dictionaries: readonly GrowingTable[]): string {
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
