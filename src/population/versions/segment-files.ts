/** The new segments of a version, which are encoded and stored while the next rows are read. */
import type { Feature } from '../../dataset/features.ts';
import { countValues, encodeSegment, type Rows } from '../read/segments.ts';
import type { ManifestSegment } from './manifest.ts';
import { segmentPath } from './publication.ts';

/** Stores the bytes of a segment. */
export type StoreSegment = (path: string, bytes: Uint8Array, sha256: string) => Promise<void>;

interface SegmentFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Receives the checksum when the file is stored. */
  readonly segment: { sha256: string };
}

export class SegmentFiles {
  /** The checksums are known after `finish`. */
  readonly segments: ManifestSegment[] = [];
  /** Number of users with a value, by feature. */
  readonly coverage: number[];
  readonly #store: StoreSegment;
  readonly #features: readonly Feature[];
  readonly #waiting: SegmentFile[] = [];
  #running: Promise<void> = Promise.resolve();
  /** Errors of background work, which the next check throws. */
  readonly #errors: unknown[] = [];

  constructor(store: StoreSegment, features: readonly Feature[]) {
    this.#store = store;
    this.#features = features;
    this.coverage = features.map(() => 0);
  }

  /**
   * Adds a segment, which waits for `writeAhead`; the rows may be overwritten afterwards. The caller calls `writeAhead`
   * after each batch of rows, so that only the segments of one batch wait.
   */
  add(rows: Rows): void {
    const path = segmentPath(this.segments.length);
    const bytes = encodeSegment(rows, this.#features) as Uint8Array<ArrayBuffer>;
    for (const [i, { name }] of this.#features.entries())
      this.coverage[i]! += countValues(rows.columns.get(name)!, rows.count);
    const segment = { rows: rows.count, path, size: bytes.length, sha256: '' };
    this.segments.push(segment);
    this.#waiting.push({ path, bytes, segment });
  }

  /**
   * Begins to store the waiting segments, once the segments of the previous call are stored. Throws the errors of
   * segments that could not be stored.
   */
  async writeAhead(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await this.#running;
    this.#check();
    this.#running = this.#write(this.#waiting.splice(0)).catch((error: unknown) => {
      this.#errors.push(error);
    });
  }

  /** Waits until no segment is being stored. An error is thrown later, by `finish`. */
  async settle(): Promise<void> {
    await this.#running;
  }

  /** Stores all waiting segments. */
  async finish(): Promise<void> {
    await this.writeAhead();
    await this.#running;
    this.#check();
  }

  async #write(files: readonly SegmentFile[]): Promise<void> {
    for (const { path, bytes, segment } of files) {
      // this runs in a thread of the pool while this thread reads rows
      const digest = await crypto.subtle.digest('SHA-256', bytes);
      segment.sha256 = Buffer.from(digest).toString('hex');
      await this.#store(path, bytes, segment.sha256);
    }
  }

  #check(): void {
    if (this.#errors.length > 0) throw this.#errors[0];
  }
}
