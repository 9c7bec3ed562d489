/**
 * The ports of what all nodes and engines of a cluster serve: one row with the served versions, and announcements of
 * changes. A store of a single service has neither, because its files say which versions are served.
 */
import type { ServedChange, ServedVersions } from '../served.ts';

export interface ServedRow {
  /** The served versions; null before the first node has started. Rejects with AppError storage_failed. */
  get(): Promise<ServedVersions | null>;

  /**
   * Applies `changeServed` to the row in one transaction, and announces the change. Returns the new row. If the epoch
   * of the row is not `expectedEpoch` (0: there must be no row), another node was faster; then nothing changes and the
   * result is null. Rejects with AppError storage_failed.
   */
  change(expectedEpoch: number, change: ServedChange): Promise<ServedVersions | null>;

  /**
   * Calls `listener` within a second after each change, whichever node made it. If several changes follow each other,
   * the listener may be called only for the last. Returns a function that ends the calls.
   */
  onChanged(listener: (now: ServedVersions) => void): () => void;
}

/**
 * A topic of announcements to all nodes and engines.
 * - `population`: versions were published or removed, or users were erased, so mirrors must follow the index.
 * - `jobs`: an expansion was queued.
 * - `webhooks`: a delivery was queued.
 */
export type Topic = 'population' | 'jobs' | 'webhooks';

/**
 * Announces a change to all nodes and engines. Announcements may be lost while a connection is down, so listeners also
 * poll.
 */
export interface Announcements {
  /** Rejects with AppError storage_failed. */
  announce(topic: Topic): Promise<void>;

  /** Calls `listener` after each announcement, own announcements included. Returns a function that ends the calls. */
  onAnnounced(topic: Topic, listener: () => void): () => void;
}
