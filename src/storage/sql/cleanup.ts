/** Removes old rows, and blobs that no row refers to. */
import { setImmediate } from 'node:timers/promises';
import type { Retention } from '../../domain/audiences.ts';
import type { Cleanup as CleanupPort } from '../../domain/ports/store.ts';
import type { StoreDependencies } from './dependencies.ts';
import { forgetAnswers } from './idempotency.ts';
import { deleteUnusedSets, type SetFiles } from './set-files.ts';
import { EXPANSION_SETS } from './set-rows.ts';
import { record, type UnusedBlobs } from './unused-blobs.ts';

const DAY_MS = 24 * 3600 * 1000;
/** Number of campaigns that one statement reads and one transaction locks. */
const SEARCHED_CAMPAIGNS = 1_000;
const LOCKED_CAMPAIGNS = 50;
/** Maximum number of versions, and of expansions, that one transaction removes. Others wait until it ends. */
const REMOVED_ROWS = 1_000;

/** Versions that are too old, or not among the newest inactive versions of their campaign `c`. */
const OLD_VERSIONS = `
  a.version IS DISTINCT FROM c.active_version
  AND (a.created_at < @before OR @versions = 0 OR a.version < (
    SELECT b.version FROM audiences b WHERE b.campaign = a.campaign AND b.version IS DISTINCT FROM c.active_version
    ORDER BY b.version DESC LIMIT 1 OFFSET @newer))`;

/**
 * Expansions that are too old, or have enough newer ones. Running expansions, the latest one, and those with an
 * audience version are kept.
 */
const OLD_EXPANSIONS = `
  NOT e.latest
  AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.expansion = e.number)
  AND NOT EXISTS (SELECT 1 FROM audiences a WHERE a.expansion = e.number)
  AND (e.created_at < @before OR e.number < (
    SELECT f.number FROM expansions f WHERE f.campaign = e.campaign ORDER BY f.number DESC LIMIT 1 OFFSET @versions))`;

/** Defines old rows: those before a time, and those that have `versions` newer ones. */
interface OldRows {
  readonly before: number;
  readonly versions: number;
  /** `versions` minus 1. */
  readonly newer: number;
  readonly [name: string]: number;
}

/** The folder of a store whose blobs are local files. It may contain files of another database. */
export interface StoreFolder {
  /** As in `Cleanup`. */
  takeFolder(): Promise<string | null>;
  renewGeneration(): Promise<void>;
  /** Removes files that no row refers to. No process may be writing. @throws AppError storage_failed */
  removeLeftovers(): Promise<void>;
  /** Removes the folders of campaigns that have no rankings. @throws AppError storage_failed */
  removeEmptyFolders(): void;
  /** Removes remains of deleted rows. @throws AppError storage_failed */
  removeTraces(): Promise<void>;
}

interface CleanupDependencies extends StoreDependencies {
  readonly setFiles: SetFiles;
  readonly unusedBlobs: UnusedBlobs;
  /** Null if the blobs are not local files. Their location then belongs to a single database. */
  readonly folder: StoreFolder | null;
}

export class Cleanup implements CleanupPort {
  readonly #dependencies: CleanupDependencies;

  constructor(dependencies: CleanupDependencies) {
    this.#dependencies = dependencies;
  }

  async prune({ versions, days }: Retention, before = this.#now() - days * DAY_MS): Promise<void> {
    const { database, folder } = this.#dependencies;
    const old = { before, versions, newer: Math.max(versions - 1, 0) };
    await database.freeing(async () => {
      await this.#pruneAll(old);
      await forgetAnswers(database, this.#now());
    });
    await this.removeUnusedFiles();
    await folder?.removeTraces();
    await this.renewGeneration();
  }

  async takeFolder(): Promise<string | null> {
    return (await this.#dependencies.folder?.takeFolder()) ?? null;
  }

  async renewGeneration(): Promise<void> {
    await this.#dependencies.folder?.renewGeneration();
  }

  async removeUnusedFiles(): Promise<void> {
    const { unusedBlobs, folder } = this.#dependencies;
    await unusedBlobs.removeAll();
    folder?.removeEmptyFolders();
  }

  async removeLeftovers(): Promise<void> {
    await this.removeUnusedFiles();
    await (this.#dependencies.folder ?? this.#dependencies.setFiles).removeLeftovers();
  }

  async #pruneAll(old: OldRows): Promise<void> {
    for (let from = 0; ; ) {
      const span = await this.#dependencies.database.get<{ readonly last: number | null }>(
        `SELECT max(number) AS last FROM (
           SELECT number FROM campaigns WHERE number > @from ORDER BY number LIMIT ${SEARCHED_CAMPAIGNS}) searched`,
        { from },
      );
      const { last } = span!;
      if (last === null) return;
      for (let rest: number | null = from; rest !== null; ) rest = await this.#pruneSome({ ...old, after: rest, last });
      from = last;
    }
  }

  /**
   * Prunes the next campaigns that have old rows, after `after` and up to `last`. Returns the last one pruned, or null
   * if there are no more.
   */
  async #pruneSome(old: OldRows & { readonly after: number; readonly last: number }): Promise<number | null> {
    await setImmediate();
    // versions first: once its version is gone, an expansion may be old too
    const rows = await this.#dependencies.database.all<{ readonly number: number }>(
      `SELECT c.number FROM campaigns c WHERE c.number > @after AND c.number <= @last AND (
         EXISTS (SELECT 1 FROM audiences a WHERE a.campaign = c.number AND ${OLD_VERSIONS})
         OR EXISTS (SELECT 1 FROM expansions e WHERE e.campaign = c.number AND ${OLD_EXPANSIONS}))
       ORDER BY c.number LIMIT ${LOCKED_CAMPAIGNS}`,
      old,
    );
    const campaigns = rows.map(({ number }) => number);
    if (campaigns.length > 0) while (await this.#pruneCampaigns(campaigns, old));
    return campaigns.length < LOCKED_CAMPAIGNS ? null : campaigns.at(-1)!;
  }

  /** Returns whether there may be more to remove. */
  #pruneCampaigns(campaigns: readonly number[], old: OldRows): Promise<boolean> {
    const bound = { ...old, campaigns };
    return this.#dependencies.database.write(async (t) => {
      const now = this.#now();
      const isAnyOf = t.dialect.isAnyOf('campaigns', 'bigint');
      // no version of these campaigns can become active until the commit
      await t.all(
        `SELECT 1 FROM campaigns WHERE number ${isAnyOf} ORDER BY number ${t.dialect.lock('campaigns')}`,
        bound,
      );
      const versions = await t.all<{ readonly folder: string }>(
        `DELETE FROM audiences WHERE (campaign, version) IN (
           SELECT a.campaign, a.version FROM audiences a JOIN campaigns c ON c.number = a.campaign
           WHERE c.number ${isAnyOf} AND ${OLD_VERSIONS} LIMIT ${REMOVED_ROWS}) RETURNING folder`,
        bound,
      );
      const expansions = await t.all<Record<string, string | null>>(
        `DELETE FROM expansions WHERE number IN (
           SELECT e.number FROM expansions e
           WHERE e.campaign ${isAnyOf} AND ${OLD_EXPANSIONS} LIMIT ${REMOVED_ROWS})
         RETURNING ${EXPANSION_SETS.join(', ')}`,
        bound,
      );
      await record(t, [...new Set(versions.map(({ folder }) => folder))], now);
      const sets = new Set(expansions.flatMap((row) => Object.values(row).filter((set) => set !== null)));
      await deleteUnusedSets(t, [...sets], now);
      return versions.length === REMOVED_ROWS || expansions.length === REMOVED_ROWS;
    }, 'readCommitted');
  }

  #now(): number {
    return this.#dependencies.options.clock.now();
  }
}
