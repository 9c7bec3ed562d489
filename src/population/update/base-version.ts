/** The version that an update builds on: the rows that still belong to users, and the segments that are kept. */
import { join } from 'node:path';
import type { Feature } from '../../dataset/features.ts';
import { untilRead } from '../../domain/ports/blobs.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { assert } from '../../lib/errors.ts';
import type { SpecialCampaigns } from '../../lib/special-categories.ts';
import { hashRows } from '../import/row-hash.ts';
import { selectRows } from '../import/segment-builder.ts';
import { IdentifierIndex, readIdentifiers } from '../read/identifiers.ts';
import { type Rows, SEGMENT_ROWS } from '../read/segments.ts';
import { eachOf } from '../share/transfers.ts';
import type { Destination } from '../versions/destination.ts';
import { featuresOf, type Manifest, readManifest } from '../versions/manifest.ts';
import { verifyVersion } from '../versions/verify.ts';
import { readPlaces, readSegmentFile } from '../versions/version-files.ts';
import type { SharedRows } from '../versions/version-writer.ts';

/**
 * Minimum number of users for a segment to be kept. Segments with fewer users are rewritten together with the added
 * rows, so that dead rows do not accumulate.
 */
const FEW_USERS = (3 * SEGMENT_ROWS) / 4;
/** Maximum number of rows that an update moves per added or removed row. */
const MOVED_PER_ROW = 2;

export class BaseVersion {
  readonly features: readonly Feature[];
  readonly #folder: string;
  readonly #manifest: Manifest;
  /** For each user number, the place of the user's row; -1 for users without a row. */
  readonly #placeOf: Int32Array;
  /** For each segment, the number of rows that belong to users. */
  readonly #users: number[];
  readonly #hashes: (Uint32Array | undefined)[] = [];
  #removed = 0;

  /**
   * Opens the version; checks the sizes of all files, and the sha256 of each file that is read. @throws AppError
   * invalid_population, storage_failed
   */
  static async open(destination: Destination, version: string): Promise<BaseVersion> {
    await destination.take(version);
    return await untilRead(() => new BaseVersion(destination.folder, version));
  }

  private constructor(folder: string, version: string) {
    const manifest = readManifest(folder, version);
    verifyVersion(folder, manifest, 'sizes');
    this.#placeOf = readPlaces(folder, manifest);
    this.#folder = folder;
    this.#manifest = manifest;
    this.#users = manifest.segments.map(({ rows, dead = 0 }) => rows - dead);
    this.features = featuresOf(manifest);
  }

  get specialCampaigns(): SpecialCampaigns {
    return this.#manifest.special_campaigns ?? {};
  }

  get version(): string {
    return this.#manifest.version;
  }

  /** Number of users who still have a row in this version. */
  get users(): number {
    return this.#manifest.rows - this.#removed;
  }

  /** @throws AppError invalid_population */
  async readIdentifiers(): Promise<IdentifierIndex[]> {
    const read = await untilRead(() => readIdentifiers(this.#folder, this.#manifest));
    return read.map((one) => new IdentifierIndex(one));
  }

  has(user: UserNumber): boolean {
    return (this.#placeOf[user] ?? -1) >= 0;
  }

  /**
   * Reads the segments that have rows of these users, so that `isEqual` can compare their rows. All rows of a segment
   * are hashed at once. @throws AppError invalid_population, storage_failed
   */
  async prepare(users: Int32Array): Promise<void> {
    const wanted = new Set<number>();
    for (const user of users) {
      const place = this.#placeOf[user] ?? -1;
      const segment = Math.floor(place / SEGMENT_ROWS);
      if (place >= 0 && this.#hashes[segment] === undefined) wanted.add(segment);
    }
    await eachOf(wanted, async (segment) => {
      this.#hashes[segment] = await untilRead(() => hashRows(this.#read(segment), this.features));
    });
  }

  /** Whether `hashRows` gives this hash for the user's row, whose segment must be prepared. */
  isEqual(user: UserNumber, low: number, high: number): boolean {
    const place = this.#placeOf[user]!;
    const segment = Math.floor(place / SEGMENT_ROWS);
    const hashes = this.#hashes[segment];
    assert(hashes !== undefined, 'the segment was prepared');
    const at = 2 * (place % SEGMENT_ROWS);
    return hashes[at] === low && hashes[at + 1] === high;
  }

  /** Removes the user's row. */
  remove(user: UserNumber): void {
    const segment = Math.floor(this.#placeOf[user]! / SEGMENT_ROWS);
    this.#placeOf[user] = -1;
    this.#users[segment]! -= 1;
    this.#removed += 1;
  }

  /**
   * Chooses the segments to rewrite: segments with few users, smallest first, up to a total number of rows. This limit
   * is `MOVED_PER_ROW` per added or removed row, or 65,536 if that is more. If `isCompacted` is true, all segments that
   * have few users or any dead rows are chosen.
   */
  findScattered(addedRows: number, isCompacted: boolean): number[] {
    const order = [...this.#users.keys()].sort((a, b) => this.#users[a]! - this.#users[b]!);
    const found: number[] = [];
    let left = Math.max(SEGMENT_ROWS, MOVED_PER_ROW * (addedRows + this.#removed));
    for (const segment of order) {
      const users = this.#users[segment]!;
      const isFew = users < FEW_USERS;
      const isWanted = isCompacted ? isFew || this.#dead(segment) > 0 : isFew && users <= left;
      if (!isWanted || users === 0) continue;
      found.push(segment);
      left -= users;
    }
    const isMade = addedRows > 0 || found.length > 1 || found.some((segment) => this.#dead(segment) > 0);
    return isMade ? found : [];
  }

  /** Removes a segment, and returns its rows that still belong to users. @throws AppError invalid_population */
  async takeOut(segment: number): Promise<Rows> {
    const rows = await untilRead(() => this.#read(segment));
    const first = segment * SEGMENT_ROWS;
    const kept = selectRows(rows, this.features, (row) => this.#placeOf[rows.userNumbers[row]!] === first + row);
    for (const user of kept.userNumbers) this.#placeOf[user] = -1;
    this.#users[segment] = 0;
    return kept;
  }

  /** Returns the segments that still have users, and the places of these users. */
  share(): SharedRows {
    const { segments, version } = this.#manifest;
    const kept = segments.flatMap((_, i) => (this.#users[i]! > 0 ? [i] : []));
    const newIndex = new Int32Array(segments.length).fill(-1);
    for (const [index, segment] of kept.entries()) newIndex[segment] = index;
    return {
      segments: kept.map((i) => {
        const { path, rows, size, sha256: recorded } = segments[i]!;
        const dead = this.#dead(i);
        const file = join(this.#folder, version, path);
        return { file, rows, ...(dead > 0 ? { dead } : {}), size, sha256: recorded };
      }),
      placeOf: this.#placeOf.map((place) =>
        place < 0 ? -1 : newIndex[Math.floor(place / SEGMENT_ROWS)]! * SEGMENT_ROWS + (place % SEGMENT_ROWS),
      ),
    };
  }

  #dead(segment: number): number {
    return this.#manifest.segments[segment]!.rows - this.#users[segment]!;
  }

  #read(segment: number): Rows {
    return readSegmentFile(this.#folder, this.#manifest, segment);
  }
}
