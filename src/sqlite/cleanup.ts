/** Removes what is old, and files that no row names. */
import type { Cleanup as CleanupPort } from '../campaigns/ports/store.ts';
import type { Retention } from '../campaigns/types.ts';
import type { AudienceRows } from './audience-rows.ts';
import type { Connection } from './connection.ts';
import { truncateLog, write } from './database.ts';
import type { ExpansionRows } from './expansion-rows.ts';
import { forgetAnswers } from './idempotency-rows.ts';
import { removeUnusedFolders } from './ranking-folders.ts';
import type { SqliteUserSets } from './user-set-store.ts';

const DAY_MS = 24 * 3600 * 1000;

/** What it is made of. */
interface Parts {
  readonly expansions: ExpansionRows;
  readonly audiences: AudienceRows;
  readonly userSets: SqliteUserSets;
}

export class Cleanup implements CleanupPort {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  prune({ versions, days }: Retention): void {
    const { audiences, expansions } = this.#parts;
    const { database, options } = this.#connection;
    const now = options.clock.now();
    write(database, () => {
      audiences.prune(versions, now - days * DAY_MS);
      expansions.prune(versions, now - days * DAY_MS);
      forgetAnswers(database, now);
    });
    audiences.forget();
    // where a reader was in the way of an erasure, its ids stand in the log until now
    truncateLog(database);
    this.removeUnused();
  }

  removeUnusedFiles(): void {
    const { audiences, expansions } = this.#parts;
    removeUnusedFolders(this.#connection.dataDir, () => {
      // in this order: what is finished between the two is in both
      const running = expansions.running();
      return { running, kept: audiences.folders() };
    });
  }

  /** Rankings and user sets alike. */
  removeUnused(): void {
    this.removeUnusedFiles();
    this.#parts.userSets.removeUnused();
  }
}
