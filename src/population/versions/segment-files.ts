/** The files of a version's new segments, which are written while the next rows are read. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Feature } from '../../dataset/features.ts';
import { withStorage, writeDurably } from '../../lib/files/durable-files.ts';
import { countValues } from '../read/coverage.ts';
import { encodeSegment, type Rows } from '../read/segments.ts';
import { sha256 } from './files.ts';
import type { ManifestSegment } from './manifest.ts';
import { segmentPath } from './publication.ts';

interface SegmentFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Receives the checksum when the file is written. */
  readonly segment: { sha256: string };
}

/** Maximum number of segments that wait to be written; if more segments are waiting, `add` writes one. */
const MAXIMUM_WAITING = 2;

export class SegmentFiles {
  /** The checksums are known after `finish`. */
  readonly segments: ManifestSegment[] = [];
  /** Number of users with a value, by feature. */
  readonly coverage: number[];
  readonly #folder: string;
  readonly #features: readonly Feature[];
  readonly #waiting: SegmentFile[] = [];
  #running: Promise<void> = Promise.resolve();
  /** Errors of background writes, which the next check throws. */
  readonly #errors: unknown[] = [];

  constructor(folder: string, features: readonly Feature[]) {
    this.#folder = folder;
    this.#features = features;
    this.coverage = features.map(() => 0);
  }

  /** Adds a segment; the rows may be overwritten afterwards. Errors: AppError `storage_failed`. */
  add(rows: Rows): void {
    const path = segmentPath(this.segments.length);
    const bytes = encodeSegment(rows, this.#features);
    for (const [i, { name }] of this.#features.entries())
      this.coverage[i]! += countValues(rows.columns.get(name)!, rows.count);
    const segment = { rows: rows.count, path, size: bytes.length, sha256: '' };
    this.segments.push(segment);
    this.#waiting.push({ path, bytes, segment });
    if (this.#waiting.length > MAXIMUM_WAITING) this.#writeFirst();
  }

  /**
   * Begins to write the waiting segments, once the segments of the previous call are written. Errors: AppError
   * `storage_failed`.
   */
  async writeAhead(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await this.#running;
    this.#check();
    this.#running = this.#write(this.#waiting.splice(0)).catch((error: unknown) => {
      this.#errors.push(error);
    });
  }

  /** Waits until no segment is being written. An error is thrown later, by `finish`. */
  async settle(): Promise<void> {
    await this.#running;
  }

  /** Writes all waiting segments. No other write may be in progress. Errors: AppError `storage_failed`. */
  finish(): void {
    this.#check();
    while (this.#waiting.length > 0) this.#writeFirst();
  }

  #writeFirst(): void {
    const { path, bytes, segment } = this.#waiting.shift()!;
    segment.sha256 = sha256(bytes);
    withStorage(`write ${this.#folder}`, () => writeDurably(join(this.#folder, path), bytes));
  }

  async #write(files: readonly SegmentFile[]): Promise<void> {
    for (const { path, bytes, segment } of files) {
      // this runs in a thread of the pool while this thread reads rows
      const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
      segment.sha256 = Buffer.from(digest).toString('hex');
      const file = await open(join(this.#folder, path), 'wx');
      try {
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
        await file.sync();
      } finally {
        await file.close();
      }
    }
  }

  #check(): void {
    withStorage(`write ${this.#folder}`, () => {
      if (this.#errors.length > 0) throw this.#errors[0];
    });
  }
}
