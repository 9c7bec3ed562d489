/** A cache of a limited number of open rankings, by folder. */
import { LRUCache } from 'lru-cache';
import type { Treated } from '../domain/hold-out.ts';
import { type BlobReader, untilRead } from '../domain/ports/blobs.ts';
import { assert } from '../lib/errors.ts';
import { limited } from '../lib/limited.ts';
import { isSame, MemberMemory, type UsedRanking } from './member-memory.ts';
import { openRanking, type ReadRanking } from './ranking.ts';

/** Number of rankings that are opened at the same time. Their files are open in addition to the limit of the cache. */
const OPENED_AT_ONCE = 16;

/** An open ranking, and who keeps it open. */
interface Entry extends UsedRanking {
  /** Number of callers that hold the ranking. */
  holders: number;
  /** Whether the cache keeps the ranking open. */
  isKept: boolean;
}

/** A ranking that is being opened. */
interface Opening {
  /** Callers that wait for the ranking. Each of them holds the ranking once it is open. */
  waiting: number;
  /** Number of uses by these callers. */
  uses: number;
}

/** How a ranking is used. */
export interface RankingUse {
  /** The active audience, if the ranking belongs to it. Its members are kept in memory if they are used often. */
  readonly audience?: Treated | undefined;
  /** Number of users that the caller looks up; each counts as a use. The default is 1. */
  readonly users?: number;
}

/** A ranking that stays open until `close` is called, and what its holder read first. */
export interface HeldRanking<T> {
  readonly opened: T;
  /** Releases the ranking. Only the first call has an effect. */
  close(): void;
}

/**
 * Keeps the most recently used rankings open. A ranking passed to `use` must not be used after the work, because the
 * cache may close it to make room. A ranking from `hold` stays open until the caller closes it, even if the ranking's
 * folder is deleted.
 *
 * Members of audiences that are used often stay in memory, up to `memoryBytes`, so that a look-up reads no file.
 */
export class RankingCache {
  readonly #blobs: BlobReader;
  /** The rankings that the cache keeps open. */
  readonly #kept: LRUCache<string, Entry>;
  /** The held rankings, whether or not the cache keeps them open. */
  readonly #held = new Set<Entry>();
  /** The rankings that are being opened and that the cache will keep, with their promises. */
  readonly #opening = new Map<string, Opening & { readonly opened: Promise<Entry> }>();
  readonly #whenFree = limited(OPENED_AT_ONCE);
  readonly #memory: MemberMemory;
  #closed = false;
  #onDamage: (folder: string) => void = () => {};

  constructor(blobs: BlobReader, limits: { readonly openRankings: number; readonly memoryBytes: number }) {
    assert(limits.openRankings >= 1, 'a ranking cache must be able to keep at least one ranking open');
    this.#blobs = blobs;
    this.#kept = new LRUCache({ max: limits.openRankings, dispose: (entry) => this.#letGo(entry) });
    this.#memory = new MemberMemory(limits.memoryBytes, this.#kept);
  }

  /**
   * Number of times that members were loaded into memory or removed from it. Results of `kept` are valid while this
   * number stays the same.
   */
  get keptChanges(): number {
    return this.#memory.changes;
  }

  /**
   * Returns the result of `work`, which reads a ranking. If the ranking is open and no part of it has to be fetched,
   * the result is returned at once. Otherwise a promise is returned, and the ranking stays open until it settles.
   * `work` must be synchronous, and may run again after a part was fetched, like the work of `untilRead`.
   * @throws AppError storage_failed, like `openRanking`, at once or by a rejection; the errors of `work`
   */
  use<T>(folder: string, work: (ranking: ReadRanking) => T, { audience, users = 1 }: RankingUse = {}): T | Promise<T> {
    const known = this.#find(folder, users);
    if (known !== null) return this.#read(known, audience, work);
    return this.#open(folder, users).then(async (entry) => {
      try {
        return await this.#read(entry, audience, work);
      } finally {
        this.#release(entry);
      }
    });
  }

  /** Returns a ranking if its members for this audience are in memory, otherwise null. This does not count as a use. */
  kept(folder: string, audience: Treated): ReadRanking | null {
    const entry = this.#kept.peek(folder);
    return entry?.ranking.members && isSame(entry.audience, audience) ? entry.ranking : null;
  }

  /**
   * Holds a ranking open until it is released, even if the folder is deleted or the cache makes room. Streams need
   * this, because they read for as long as their client does. Held rankings do not count towards the limit; the caller
   * limits their number. `open` reads the ranking first, like the work of `use`; if it throws, the ranking is released.
   * Rejects with AppError storage_failed, like `openRanking`, and with the errors of `open`.
   */
  async hold<T>(folder: string, open: (ranking: ReadRanking) => T): Promise<HeldRanking<T>> {
    const known = this.#find(folder, 1);
    if (known !== null) this.#retain(known);
    const entry = known ?? (await this.#open(folder, 1));
    let isReleased = false;
    const close = () => {
      if (isReleased) return;
      isReleased = true;
      this.#release(entry);
    };
    try {
      return { opened: await untilRead(() => open(entry.ranking)), close };
    } catch (error) {
      close();
      throw error;
    }
  }

  /**
   * Closes rankings whose folder no longer exists, unless they are held. The disk space of a deleted ranking is freed
   * only when the ranking is closed. Rejects with AppError storage_failed.
   */
  async forgetDeleted(): Promise<void> {
    for (const folder of [...this.#kept.keys(), ...this.#opening.keys()])
      if (!(await this.#blobs.has(folder))) this.forget(folder);
  }

  /**
   * Ensures that the next use of a ranking opens and verifies its files again. A held ranking stays open until it is
   * released.
   */
  forget(folder: string): void {
    this.#opening.delete(folder);
    this.#kept.delete(folder);
  }

  /** Sets the listener, which is called with the folder of each ranking that is found to be damaged or missing. */
  onDamage(listener: (folder: string) => void): void {
    this.#onDamage = listener;
  }

  /**
   * Closes all rankings, including held rankings, and those that are being opened once they are open. The cache must
   * not be used afterwards.
   */
  closeAll(): void {
    this.#closed = true;
    this.#kept.clear();
    for (const { ranking } of this.#held) ranking.close();
  }

  /** Counts a use. Returns the ranking if the cache has it open, otherwise null. */
  #find(folder: string, users: number): Entry | null {
    assert(!this.#closed, 'the ranking cache is closed');
    const known = this.#kept.get(folder);
    if (known === undefined) {
      this.#memory.count(users);
      return null;
    }
    this.#memory.use(known, users);
    return known;
  }

  #read<T>(entry: Entry, audience: Treated | undefined, work: (ranking: ReadRanking) => T): T | Promise<T> {
    if (audience !== undefined) this.#memory.recut(entry, audience);
    const result = untilRead(() => work(entry.ranking));
    if (!(result instanceof Promise)) return result;
    this.#retain(entry);
    return result.finally(() => this.#release(entry));
  }

  /** Opens a ranking, once for all callers that ask for it in the meantime. The caller must release the ranking. */
  #open(folder: string, users: number): Promise<Entry> {
    let opening = this.#opening.get(folder);
    if (opening === undefined) {
      const started: Opening = { waiting: 0, uses: 0 };
      opening = Object.assign(started, { opened: this.#start(folder, started) });
      this.#opening.set(folder, opening);
    }
    opening.waiting += 1;
    opening.uses += users;
    return opening.opened;
  }

  async #start(folder: string, opening: Opening): Promise<Entry> {
    // a folder that was forgotten in the meantime is opened again for the next caller
    const isWanted = () => this.#opening.get(folder) === opening;
    try {
      const ranking = await this.#whenFree(() => openRanking(this.#blobs, folder, () => this.#onDamage(folder)));
      const { uses, waiting: holders } = opening;
      const isKept = isWanted() && !this.#closed;
      const entry: Entry = { ranking, uses, lastUse: this.#memory.uses, audience: null, keptBytes: 0, holders, isKept };
      if (this.#closed) ranking.close();
      assert(!this.#closed, 'the ranking cache is closed');
      this.#held.add(entry);
      if (isKept) this.#kept.set(folder, entry);
      return entry;
    } finally {
      if (isWanted()) this.#opening.delete(folder);
    }
  }

  #retain(entry: Entry): void {
    entry.holders += 1;
    this.#held.add(entry);
  }

  #release(entry: Entry): void {
    entry.holders -= 1;
    if (entry.holders === 0) this.#held.delete(entry);
    closeUnused(entry);
  }

  #letGo(entry: Entry): void {
    entry.isKept = false;
    this.#memory.forget(entry);
    closeUnused(entry);
  }
}

function closeUnused({ ranking, holders, isKept }: Entry): void {
  if (holders === 0 && !isKept) ranking.close();
}
