/** Erases users from the population and the store of a running service, and completes erasures begun elsewhere. */
import { ACTORS, type AuditedAction, type PendingAction } from '../../domain/audit.ts';
import { leadershipOf } from '../../domain/ports/cluster.ts';
import type { StoreReserve } from '../../domain/ports/reserve.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { UserErasure } from '../../domain/ports/user-erasure.ts';
import { AppError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';
import { eraseUsers } from '../../population/erase.ts';
import { type Population, withOtherIds } from '../../population/read.ts';
import { mayWrite } from '../paths.ts';
import type { KeptVersionCount, UserEraser } from '../ports/users.ts';

/** Interval between checks for requests and erasures made by other processes. */
const LOOK_EVERY_MS = 2_000;
/** Maximum number of ids per erasure that another process has requested. */
const MOST_REQUESTED = 100_000;
/** Seconds until a caller may try again if too many users are waiting to be erased. */
const RETRY_SECONDS = 5;

/** What the second entry of an erasure in the audit log is about, whose id is the number of versions or `unknown`. */
const KEPT_RESOURCE = 'kept_versions';
/** The erasure of users whom a command has asked to erase, or a process that ended before it had done so. */
const OF_OTHERS: AuditedAction = {
  ...{ actor: ACTORS.command, address: null, action: 'eraseUser', resource: 'user', resourceId: null },
  ...{ status: null, requestId: null },
};

/** Erases users from all versions of the population. */
export type ErasePopulation = (userIds: readonly string[]) => Promise<unknown>;

interface EraserReserve {
  readonly reserve: Pick<StoreReserve, 'using'>;
}

/** Stored versions of deleted files that this process could not delete, and deletions of which that is not known. */
export interface KeptTotals {
  readonly versions: number;
  readonly unknown: number;
}
const NOTHING_KEPT: KeptTotals = { versions: 0, unknown: 0 };

export interface EraserOptions {
  readonly store: UserErasure & Pick<CampaignStore, 'cluster' | 'audit'> & EraserReserve;
  /** The view of the population that requests use. */
  readonly population: Pick<Population, 'path' | 'directory' | 'erasures'>;
  /** By default, erases in the population folder. */
  readonly erasePopulation?: ErasePopulation;
  /** What was kept since the process began; by default, nothing ever is. */
  readonly kept?: () => KeptTotals;
  readonly maximumWaiting: number;
  readonly logger: Logger;
}

interface Waiting {
  readonly userId: string;
  readonly action: PendingAction | null;
  readonly resolve: (kept: KeptVersionCount) => void;
  readonly reject: (error: unknown) => void;
}

interface Erased {
  readonly kept: KeptVersionCount;
  /** Whether users were among them whom another process had asked to erase. */
  readonly isOfOthers: boolean;
}

export class ServiceEraser implements UserEraser {
  readonly #options: EraserOptions;
  #waiting: Waiting[] = [];
  #work: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: EraserOptions) {
    this.#options = options;
  }

  obstacle(): string | null {
    const { erasePopulation, population } = this.#options;
    if (erasePopulation !== undefined || mayWrite(population.path)) return null;
    return `no user can be erased: ${population.path} is not writable`;
  }

  erase(userId: string, action: PendingAction | null): Promise<KeptVersionCount> {
    if (this.#waiting.length >= this.#options.maximumWaiting) {
      throw new AppError('unavailable', `${this.#waiting.length} erasures are waiting, which is the maximum`, {
        facts: { retry_after: RETRY_SECONDS },
      });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ userId, action, resolve, reject });
      this.#start();
    });
  }

  /**
   * Until `close`, completes pending requests, including later requests from other processes. In a cluster, the leader
   * does so; erasing twice does no harm.
   */
  watch(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
    void this.#look();
  }

  /** Waits for the running erasure to complete, and then stops. Other requests are completed after the next start. */
  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#work;
  }

  async #look(): Promise<void> {
    const { store, population, logger } = this.#options;
    try {
      population.erasures.refresh();
      if (this.#work !== null || !leadershipOf(store).isLeader) return;
      if ((await store.requestedErasures(1)).length > 0) this.#start();
    } catch (error) {
      logger.error({ err: error }, 'pending erasures cannot be read');
    }
  }

  #start(): void {
    this.#work ??= this.#eraseAll().finally(() => {
      this.#work = null;
      if (this.#waiting.length > 0) this.#start();
    });
  }

  /** Erases all waiting users together, so that sets are written only once. */
  async #eraseAll(): Promise<void> {
    const { store, logger } = this.#options;
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      // the request is written to disk first, so that the next start completes it after a crash
      if (waiting.length > 0)
        await store.requestErasure(
          waiting.map(({ userId }) => userId),
          waiting.flatMap(({ action }) => (action === null ? [] : [action])),
        );
      const { kept, isOfOthers } = await this.#eraseRequested(new Set(waiting.map(({ userId }) => userId)));
      const actions = waiting.flatMap(({ action }) => (action === null ? [] : [action.action]));
      if (kept !== 0) await this.#recordKept([...actions, ...(isOfOthers ? [OF_OTHERS] : [])], kept);
      for (const { resolve } of waiting) resolve(kept);
    } catch (error) {
      if (waiting.length === 0) logger.error({ err: error }, 'users could not be erased; the erasure will be retried');
      for (const { reject } of waiting) reject(error);
    }
  }

  /** The log of actions only grows, so what is known after an erasure has an entry of its own. */
  async #recordKept(actions: readonly AuditedAction[], kept: KeptVersionCount): Promise<void> {
    for (const action of actions)
      await this.#options.store.audit.record({
        action: { ...action, resource: KEPT_RESOURCE, resourceId: String(kept) },
        isRecorded: false,
      });
  }

  /** Completes all requests. `waiting` are the users who were requested here; others may be erased with them. */
  async #eraseRequested(waiting: ReadonlySet<string>): Promise<Erased> {
    const { store, population, logger, kept: keptNow = () => NOTHING_KEPT } = this.#options;
    const start = keptNow();
    const keptSince = (before: KeptTotals): KeptVersionCount => {
      const { versions, unknown } = keptNow();
      return unknown > before.unknown ? 'unknown' : versions - before.versions;
    };
    const erase = this.#options.erasePopulation ?? ((ids) => eraseUsers(population.path, ids, population));
    let isOfOthers = false;
    for (;;) {
      const requested = await store.requestedErasures(MOST_REQUESTED);
      if (requested.length === 0) return { kept: keptSince(start), isOfOthers };
      isOfOthers ||= requested.some((userId) => !waiting.has(userId));
      const userIds = withOtherIds(requested, population.directory);
      // after the erasure, the other ids no longer lead to the user, so store them on disk first
      if (userIds.length > requested.length) await store.requestErasure(userIds);
      const before = keptNow();
      await store.reserve.using(() => erase(userIds));
      const erased = await store.eraseUsers(userIds);
      const kept = keptSince(before);
      if (kept === 0) logger.info(erased, 'users erased');
      else logger.warn({ ...erased, keptVersions: kept }, `users erased, but the bucket ${keeps(kept)} of their files`);
    }
  }
}

function keeps(kept: KeptVersionCount): string {
  return kept === 'unknown' ? 'may keep versions' : 'keeps versions';
}
