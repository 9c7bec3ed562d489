/** Removes what is old, and files that no row names. */
import type { Cleanup as CleanupPort } from '../../domain/ports/store.ts';
import type { Retention } from '../../domain/types.ts';
import type { AudienceRows } from './audience-rows.ts';
import type { Connection } from './connection.ts';
import { truncateLog } from './database.ts';
import type { ExpansionRows } from './expansion-rows.ts';
import { isOwn, renewGeneration, takeFolder } from './folder-mark.ts';
import { forgetAnswers } from './idempotency-rows.ts';
import { hasStrangers, removeEmptyFolders, unusedFolders } from './ranking-folders.ts';
import { writeToFree } from './reserve.ts';
import { setAside } from './set-aside.ts';
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

  prune({ versions, days }: Retention, before = this.#connection.options.clock.now() - days * DAY_MS): void {
    const { audiences, expansions } = this.#parts;
    const { database, options } = this.#connection;
    const now = options.clock.now();
    writeToFree(database, () => {
      audiences.prune(versions, before);
      expansions.prune(versions, before);
      forgetAnswers(database, now);
    });
    audiences.forget();
    // where a reader was in the way of an erasure, its ids stand in the log until now
    truncateLog(database);
    this.removeUnused();
    this.renewGeneration();
  }

  takeFolder(): string | null {
    const { database, dataDir, options } = this.#connection;
    if (isOwn(database, dataDir) && !hasStrangers(database, dataDir)) {
      this.renewGeneration();
      return null;
    }
    const unknown = [...this.#unusedFolders(), ...this.#parts.userSets.unnamedFiles()];
    const folder = setAside(dataDir, unknown, options.clock.now());
    removeEmptyFolders(dataDir);
    takeFolder(database, dataDir);
    return folder;
  }

  /** In a folder that another database has marked meanwhile, nothing changes. */
  renewGeneration(): void {
    const { database, dataDir } = this.#connection;
    if (isOwn(database, dataDir)) renewGeneration(database, dataDir);
  }

  removeUnusedFiles(): void {
    const { dataDir, discard } = this.#connection;
    discard(this.#unusedFolders());
    removeEmptyFolders(dataDir);
  }

  #unusedFolders(): string[] {
    const { audiences, expansions } = this.#parts;
    return unusedFolders(this.#connection.dataDir, () => {
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
