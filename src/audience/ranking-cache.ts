/** A cache of a limited number of open rankings, by folder. */
import { LRUCache } from 'lru-cache';
import type { BlobReader } from '../domain/ports/local-blobs.ts';
import { AppError, assert } from '../lib/errors.ts';
import { buildMemberIndex, memberIndexBytes } from './member-index.ts';
import { openRanking, type Ranking, type ReadRanking } from './ranking.ts';

/** Number of uses after which the members of a ranking are kept in memory. */
const USES_BEFORE_KEEPING = 256;
/**
 * Total number of uses of all rankings between two steps of reading members. A request thus waits for at most one or
 * two steps.
 */
const USES_PER_STEP = 256;

/** An open ranking and data about its use. */
interface Entry {
  readonly ranking: Ranking;
  /** Number of uses since the cache last considered keeping the ranking's members in memory. */
  uses: number;
  /** The value of the cache's use counter at the last use. */
  lastUse: number;
  /** The size of the audience that was last requested. */
  size: number;
  /** Bytes of memory for the ranking's members, including members that are still being read. */
  keptBytes: number;
  /** Number of callers that hold the ranking. */
  holders: number;
  /** Whether the cache keeps the ranking open. */
  isKept: boolean;
}

/** A ranking that stays open until `close` is called. */
export interface HeldRanking {
  readonly ranking: ReadRanking;
  /** Releases the ranking. Only the first call has an effect. */
  close(): void;
}

/**
 * Keeps the most recently used rankings open. A ranking from `get` is for immediate use, because any later call may
 * close the ranking to make room. A ranking from `hold` stays open until the caller closes it, even if the ranking's
 * folder is deleted.
 *
 * Members of audiences that are used often stay in memory, up to `memoryBytes`, so that a look-up reads no file.
 * Members are read in steps, one step every `USES_PER_STEP` uses.
 */
export class RankingCache {
  readonly #blobs: BlobReader;
  /** The rankings that the cache keeps open. */
  readonly #open: LRUCache<string, Entry>;
  /** The held rankings, whether or not the cache keeps them open. */
  readonly #held = new Set<Entry>();
  readonly #memoryBytes: number;
  /** Bytes of memory for the members of all rankings. */
  #keptBytes = 0;
  /** The queue of rankings that need their members read into memory, one ranking at a time. */
  readonly #building: { readonly entry: Entry; readonly steps: ReturnType<typeof buildMemberIndex> }[] = [];
  /** The value of the use counter at which the next step is due. */
  #nextStep = 0;
  #keptChanges = 0;
  #uses = 0;
  #closed = false;
  #onDamage: (folder: string) => void = () => {};

  constructor(blobs: BlobReader, limits: { readonly openRankings: number; readonly memoryBytes: number }) {
    assert(limits.openRankings >= 1, 'a ranking cache must be able to keep at least one ranking open');
    this.#blobs = blobs;
    this.#memoryBytes = limits.memoryBytes;
    this.#open = new LRUCache({ max: limits.openRankings, dispose: (entry) => this.#letGo(entry) });
  }

  /**
   * Number of times that members were loaded into memory or removed from it. Results of `kept` are valid while this
   * number stays the same.
   */
  get keptChanges(): number {
    return this.#keptChanges;
  }

  /**
   * Returns a ranking, and opens it if necessary. A caller that reads the active audience passes its `size`, so that
   * the members are kept in memory if they are read often. `users` is the number of users that the caller looks up;
   * each counts as a use.
   * @throws AppError storage_failed, like `openRanking`
   */
  get(folder: string, size?: number, users = 1): ReadRanking {
    const entry = this.#use(folder, users);
    if (size !== undefined && entry.size !== size) {
      this.#forgetMembers(entry);
      entry.size = size;
    }
    return entry.ranking;
  }

  /**
   * Returns a ranking if its members for this audience size are in memory, otherwise null. The call does not count as a
   * use.
   */
  kept(folder: string, size: number): ReadRanking | null {
    const entry = this.#open.peek(folder);
    return entry !== undefined && entry.size === size && entry.ranking.members !== null ? entry.ranking : null;
  }

  /**
   * Returns a ranking that stays open until it is released, even if the folder is deleted or the cache makes room.
   * Streams need this, because they read for as long as their client does. Held rankings do not count towards the
   * limit; the caller limits their number.
   * @throws AppError storage_failed, like `openRanking`
   */
  hold(folder: string): HeldRanking {
    const entry = this.#use(folder, 1);
    entry.holders += 1;
    this.#held.add(entry);
    let isReleased = false;
    const close = () => {
      if (isReleased) return;
      isReleased = true;
      entry.holders -= 1;
      if (entry.holders === 0) this.#held.delete(entry);
      closeUnused(entry);
    };
    return { ranking: entry.ranking, close };
  }

  /**
   * Closes rankings whose folder no longer exists, unless they are held. The disk space of a deleted ranking is freed
   * only when the ranking is closed.
   */
  forgetDeleted(): void {
    for (const folder of [...this.#open.keys()]) {
      if (!this.#blobs.has(folder)) this.#open.delete(folder);
    }
  }

  /**
   * Ensures that the next use of a ranking opens and verifies its files again. A held ranking stays open until it is
   * released.
   */
  forget(folder: string): void {
    this.#open.delete(folder);
  }

  /** Sets the listener, which is called with the folder of each ranking that is found to be damaged or missing. */
  onDamage(listener: (folder: string) => void): void {
    this.#onDamage = listener;
  }

  /** Closes all rankings, including held rankings. The cache must not be used afterwards. */
  closeAll(): void {
    this.#closed = true;
    this.#open.clear();
    for (const { ranking } of this.#held) ranking.close();
  }

  #use(folder: string, users: number): Entry {
    assert(!this.#closed, 'the ranking cache is closed');
    this.#uses += users;
    const lastUse = this.#uses;
    const known = this.#open.get(folder);
    if (known) {
      known.lastUse = lastUse;
      known.uses += users;
      if (known.keptBytes === 0 && known.uses >= USES_BEFORE_KEEPING) this.#keepMembers(known);
      if (lastUse >= this.#nextStep) this.#step();
      return known;
    }
    const ranking = openRanking(this.#blobs, folder, () => this.#onDamage(folder));
    const entry: Entry = { ranking, uses: users, lastUse, size: 0, keptBytes: 0, holders: 0, isKept: true };
    this.#open.set(folder, entry);
    return entry;
  }

  /**
   * Starts to read the members of a ranking into memory. To make room, members of rankings that were not used recently
   * are removed. If there still is not enough room, a later use tries again.
   */
  #keepMembers(entry: Entry): void {
    const { ranking, size } = entry;
    entry.uses = 0;
    const bytes = memberIndexBytes(ranking.userCount, Math.min(size, ranking.candidates));
    if (size === 0 || bytes > this.#memoryBytes) return;
    // a request for all audiences of a user uses each ranking once, so `recent` covers the uses in two such requests
    const recent = USES_BEFORE_KEEPING + 2 * this.#open.size;
    const quiet = [...this.#open.values()]
      .filter(({ keptBytes, lastUse }) => keptBytes > 0 && this.#uses - lastUse > recent)
      .sort((a, b) => a.lastUse - b.lastUse);
    while (this.#keptBytes + bytes > this.#memoryBytes) {
      const oldest = quiet.shift();
      if (!oldest) return;
      this.#forgetMembers(oldest);
    }
    entry.keptBytes = bytes;
    this.#keptBytes += bytes;
    this.#building.push({ entry, steps: buildMemberIndex(ranking, size) });
  }

  /** Takes one more step in reading the members of the first ranking in the queue. */
  #step(): void {
    this.#nextStep = this.#uses + USES_PER_STEP;
    const [first] = this.#building;
    if (first === undefined) return;
    const { entry, steps } = first;
    try {
      const { done, value } = steps.next();
      if (!done) return;
      this.#building.shift();
      entry.ranking.members = value;
      this.#keptChanges += 1;
    } catch (error) {
      this.#forgetMembers(entry);
      // the current request did not cause the error; look-ups in the faulty ranking will meet the same error and report
      // it
      if (!(error instanceof AppError)) throw error;
    }
  }

  #forgetMembers(entry: Entry): void {
    if (entry.keptBytes === 0) return;
    const at = this.#building.findIndex((one) => one.entry === entry);
    if (at >= 0) this.#building.splice(at, 1);
    entry.ranking.members = null;
    this.#keptChanges += 1;
    this.#keptBytes -= entry.keptBytes;
    entry.keptBytes = 0;
  }

  #letGo(entry: Entry): void {
    entry.isKept = false;
    this.#forgetMembers(entry);
    closeUnused(entry);
  }
}

function closeUnused({ ranking, holders, isKept }: Entry): void {
  if (holders === 0 && !isKept) ranking.close();
}
