/**
 * Builds and publishes a version of a population from rows. Everything but its segments is kept in memory; the
 * destination stores the segments.
 */
import type { Feature } from '../../dataset/features.ts';
import { untilRead } from '../../domain/ports/blobs.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { hasTokens } from '../../lib/feature-kinds.ts';
import type { SpecialCampaigns, SpecialCategory } from '../../lib/special-categories.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { readIdentifierFiles } from '../import/identifier-files.ts';
import { ImportErasures } from '../import/import-erasures.ts';
import { type IdentifierFile, ImportedIdentifiers, type VersionUsers } from '../import/imported-identifiers.ts';
import type { RowFault, RowSink } from '../import/row-sink.ts';
import { SegmentBuilder } from '../import/segment-builder.ts';
import { describeTable, readTable } from '../import/table-files.ts';
import { SegmentLayout } from '../read/segment-layout.ts';
import { type Rows, SEGMENT_ROWS } from '../read/segments.ts';
import type { Destination, Destinations } from './destination.ts';
import { sha256 } from './files.ts';
import { inFolder } from './folder-destination.ts';
import {
  dictionaryPaths,
  type Manifest,
  type ManifestIdentifiers,
  type ManifestTable,
  sealManifest,
} from './manifest.ts';
import { type GrowingTable, type SharedSegment, segmentPath } from './publication.ts';
import { SegmentFiles } from './segment-files.ts';

/** What a new version has. */
export interface ImportTarget {
  /** Features, in the order of their columns. */
  readonly features: readonly Feature[];
  /** Names of the features that are marked as sensitive. */
  readonly sensitive: ReadonlySet<string>;
  /** For each feature, the categories that exclude it. */
  readonly excludedFor?: ReadonlyMap<string, readonly SpecialCategory[]>;
  readonly specialCampaigns?: SpecialCampaigns;
  /** Whether erased users who appear again are readmitted as new users. Default: their rows are left out. */
  readonly readmitErased?: boolean;
  /** CSV files of typed identifiers. */
  readonly identifierFiles?: readonly string[];
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
  /** For each label, the number of identifiers and of users who have one. */
  readonly identifiers: readonly Pick<ManifestIdentifiers, 'label' | 'count' | 'users'>[];
  /** Number of identifiers that were skipped because they were erased or their user is not in the directory. */
  readonly unknownIdentifiers: number;
  readonly erasedIdentifiers: number;
}

/** Rows that the new version shares with an earlier version. */
export interface SharedRows {
  /** Shared segments, which become the first segments. */
  readonly segments: readonly SharedSegment[];
  /** For each user number, `segment * 65,536 + offset` in the shared segments; -1 for users without a row there. */
  readonly placeOf: Int32Array;
}

/**
 * Lets `read` fill a writer, and publishes the result. The same content in the same place always produces the same
 * version, so importing the current content again changes nothing, except that it replaces a damaged copy of that
 * version. `from` names the source in errors. After an error, the previous version is served as before.
 * @throws AppError invalid_population (a damaged folder), invalid_data (there are no users); the errors of `read` and
 * of the destination
 */
export async function publishVersion(
  { out, ...target }: ImportTarget & { readonly out: string | Destinations },
  from: string,
  read: (writer: VersionWriter) => Promise<void>,
): Promise<ImportResult> {
  const destinations = typeof out === 'string' ? inFolder(out) : out;
  return await destinations.open({ readmitErased: target.readmitErased ?? false }, async (destination) => {
    const writer = await untilRead(() => new VersionWriter(target, destination));
    await read(writer);
    await readIdentifierFiles(target.identifierFiles ?? [], writer);
    if (writer.rows === 0) throw new AppError('invalid_data', `${from} is empty: a population needs at least one user`);
    return await writer.publish();
  });
}

const NOTHING_SHARED: SharedRows = { segments: [], placeOf: new Int32Array(0) };

/** A version under construction: growing tables, and rows in the order they were added. */
export class VersionWriter implements RowSink {
  readonly scratch: string;
  readonly segment: SegmentBuilder;
  readonly directory: TextTable;
  /** Erased users, who must be left out. */
  readonly erased: ImportErasures;
  readonly identifiers = new ImportedIdentifiers();
  /** One dictionary per feature, in column order; the dictionary of a feature without tokens stays empty. */
  readonly dictionaries: readonly TextTable[];
  readonly #destination: Destination;
  readonly #features: readonly Feature[];
  readonly #target: ImportTarget;
  readonly #directory: GrowingTable;
  readonly #dictionaries: readonly GrowingTable[];
  readonly #files: SegmentFiles;
  #rows = 0;
  #rowOf = new Int32Array(SEGMENT_ROWS).fill(-1);

  constructor(target: ImportTarget, destination: Destination) {
    const { features, readmitErased = false } = target;
    const { folder, manifests, erasures, scratch } = destination;
    this.#destination = destination;
    this.#features = features;
    this.#target = target;
    this.scratch = scratch;
    this.segment = new SegmentBuilder(features);
    this.#files = new SegmentFiles((path, bytes, sum) => destination.storeSegment(path, bytes, sum), features);
    this.#directory = openTable(
      folder,
      manifests.map(({ directory }) => directory),
    );
    this.#dictionaries = features.map(({ name }) =>
      openTable(
        folder,
        manifests.flatMap(({ dictionaries }) => dictionaries.filter(({ feature }) => feature === name)),
      ),
    );
    this.directory = this.#directory.table;
    this.erased = new ImportErasures(folder, erasures, this.directory, readmitErased);
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
  async publish(shared: SharedRows = NOTHING_SHARED): Promise<ImportResult> {
    if (this.segment.count > 0) this.#writeSegment();
    await this.#files.finish();
    const users = this.#rows + shared.segments.reduce((sum, { rows, dead = 0 }) => sum + rows - dead, 0);
    const places = this.#placeAll(shared);
    const rowOf = new Uint8Array(places.buffer);
    const owners: VersionUsers = {
      has: (user) => places[user]! >= 0 && !this.directory.isRedacted(user),
      id: (user) => this.directory.text(user),
    };
    let identifiers: readonly IdentifierFile[] = [];
    const version = await this.#destination.publish({
      rowOf,
      get identifiers() {
        return identifiers;
      },
      shared: shared.segments,
      directory: this.#directory,
      erased: this.erased,
      dictionaries: new Map(this.#features.map(({ name }, i) => [name, this.#dictionaries[i]!])),
      seal: () => {
        identifiers = this.identifiers.encode(owners);
        return this.#seal(users, rowOf, identifiers, shared.segments);
      },
    });
    const byFeature = (count: (index: number) => number) =>
      Object.fromEntries(this.#features.map(({ name }, i) => [name, count(i)]));
    return {
      version,
      users,
      newUsers: this.directory.count - (this.#directory.published?.count ?? 0),
      tokens: byFeature((i) => this.#dictionaries[i]!.table.count),
      coverage: byFeature((i) => this.#files.coverage[i]!),
      erased: this.erased.rows,
      identifiers: identifiers.map(({ recorded }) => recorded),
      unknownIdentifiers: this.identifiers.unknown,
      erasedIdentifiers: this.identifiers.erased,
    };
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

  /** For each user number, the place of the user's row. New rows follow the shared rows. */
  #placeAll({ segments, placeOf }: SharedRows): Int32Array {
    const rowOf = new Int32Array(this.directory.count).fill(-1);
    rowOf.set(placeOf);
    const first = segments.length * SEGMENT_ROWS;
    const known = Math.min(rowOf.length, this.#rowOf.length);
    for (let user = 0; user < known; user++) if (this.#rowOf[user]! >= 0) rowOf[user] = first + this.#rowOf[user]!;
    return rowOf;
  }

  #seal(
    users: number,
    rowOf: Uint8Array,
    identifiers: readonly IdentifierFile[],
    shared: readonly SharedSegment[],
  ): Manifest {
    const segments = [...shared.map(({ file: _, ...recorded }) => recorded), ...this.#files.segments];
    const { sensitive, excludedFor, specialCampaigns = {} } = this.#target;
    const categoriesOf = (name: string) => [...new Set(excludedFor?.get(name))].sort();
    return sealManifest({
      contract: new SegmentLayout(segments).isDense ? 1 : 2,
      features: this.#features.map(({ name, kind, size }) => ({
        name,
        kind,
        ...(size === undefined ? {} : { size }),
        ...(sensitive.has(name) ? { sensitive: true as const } : {}),
        ...(categoriesOf(name).length > 0 ? { excluded_for: categoriesOf(name) } : {}),
      })),
      ...(Object.keys(specialCampaigns).length > 0
        ? { special_campaigns: specialCampaigns as Manifest['special_campaigns'] }
        : {}),
      rows: users,
      segment_rows: SEGMENT_ROWS,
      directory: describeTable(this.directory, 'directory.bytes', 'directory.ends'),
      dictionaries: this.#features.flatMap(({ name, kind }, i) => {
        const paths = dictionaryPaths(name);
        const table = this.dictionaries[i]!;
        return hasTokens(kind) ? [{ feature: name, ...describeTable(table, paths.bytes, paths.ends) }] : [];
      }),
      row_of: { path: 'row-of.i32', size: rowOf.length, sha256: sha256(rowOf) },
      ...(identifiers.length === 0 ? {} : { identifiers: identifiers.map(({ recorded }) => recorded) }),
      segments: segments.map((one, index) => ({ ...one, path: segmentPath(index) })),
    });
  }
}

/**
 * Opens a table as recorded by the version with the most strings, which has all strings because tables only grow. Any
 * bytes after the recorded end were left by a killed import.
 */
function openTable(folder: string, recorded: readonly ManifestTable[]): GrowingTable {
  const published = recorded.reduce<ManifestTable | null>(
    (most, one) => (most && most.count >= one.count ? most : one),
    null,
  );
  return { table: published ? readTable(folder, published) : new TextTable(), published };
}
