/** Rankings by folder, with a limit on how many are open at a time. */
import { LRUCache } from 'lru-cache';
import type { BlobReader } from '../domain/ports/blobs.ts';
import { AppError, assert } from '../lib/errors.ts';
import { buildMemberIndex, memberIndexBytes } from './member-index.ts';
import { openRanking, type Ranking, type ReadRanking } from './ranking.ts';

/** Number of uses after which a ranking's members are worth keeping in memory. */
const USES_BEFORE_KEEPING = 256;
/**
 * Number of uses of any ranking between two steps of reading members, so that no request waits for more than one or two
 * steps.
 */
const USES_PER_STEP = 256;

/** An open ranking and its use. */
interface Entry {
  readonly ranking: Ranking;
  /** Number of uses since its members were last considered for memory. */
  uses: number;
  /** The cache's count of uses at the last use. */
  lastUse: number;
  /** Size of the audience that was last requested. */
  size: number;
  /** Bytes taken by the ranking's members, including those being read. */
  keptBytes: number;
  /** Number of holders. */
  holders: number;
  /** Whether the cache keeps it open. */
  isKept: boolean;
}

/** A held ranking. */
export interface HeldRanking {
  readonly ranking: ReadRanking;
  /** Releases it; only the first call has an effect. */
  close(): void;
}

/**
 * Keeps the most recently used rankings open. The result of `get` is for immediate use: any later call may close it to
 * make room. The result of `hold` stays open until it is closed, whatever happens to its folder.
 *
 * Members of audiences that are used often stay in memory, up to `memoryBytes`: a look-up then reads no file. Members
 * are read in steps, one step every `USES_PER_STEP` uses.
 */
export class RankingCache {
  readonly #blobs: BlobReader;
  /** Rankings that the cache keeps open. */
  readonly #open: LRUCache<string, Entry>;
  /** Held rankings, whether or not the cache keeps them open. */
  readonly #held = new Set<Entry>();
  readonly #memoryBytes: number;
  /** Bytes taken by the members of all rankings in memory. */
  #keptBytes = 0;
  /** Rankings whose members are being read, one at a time, in this order. */
  readonly #building: { readonly entry: Entry; readonly steps: ReturnType<typeof buildMemberIndex> }[] = [];
  /** The count of uses at which the next step is due. */
  #nextStep = 0;
  #keptChanges = 0;
  #uses = 0;
  #closed = false;
  #onDamage: (folder: string) => void = () => {};

  constructor(blobs: BlobReader, limits: { readonly openRankings: number; readonly memoryBytes: number }) {
    assert(limits.openRankings >= 1, 'a ranking cache holds at least one ranking');
    this.#blobs = blobs;
    this.#memoryBytes = limits.memoryBytes;
    this.#open = new LRUCache({ max: limits.openRankings, dispose: (entry) => this.#letGo(entry) });
  }

  /**
   * Number of times that members were loaded into memory or removed: results of `kept` are valid while it stays the
   * same.
   */
  get keptChanges(): number {
    return this.#keptChanges;
  }

  /**
   * Opens a ranking, unless it is open. `size` is that of the active audience if the caller reads that audience; its
   * members are kept in memory if they are used often. `users` is the number of users looked up; each counts as a use.
   * @throws AppError storage_failed, as `openRanking`.
   */
  get(folder: string, size?: number, users = 1): ReadRanking {
    const entry = this.#use(folder, users);
    if (size !== undefined && entry.size !== size) {
      this.#forgetMembers(entry);
      entry.size = size;
    }
    return entry.ranking;
  }

  /** A ranking whose members of this size are in memory, or null; this does not count as a use. */
  kept(folder: string, size: number): ReadRanking | null {
    const entry = this.#open.peek(folder);
    return entry !== undefined && entry.size === size && entry.ranking.members !== null ? entry.ranking : null;
  }

  /**
   * A ranking with descriptors that stay open until it is released, even if the folder is deleted or the cache makes
   * room: for streams, which read for as long as their client does. Held rankings do not count towards the limit; the
   * caller bounds their number.
   * @throws AppError storage_failed, as `openRanking`.
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
   * Closes rankings whose folder no longer exists, unless they are held. Their disk space is freed only when they are
   * closed.
   */
  forgetDeleted(): void {
    for (const folder of [...this.#open.keys()]) {
      if (!this.#blobs.has(folder)) this.#open.delete(folder);
    }
  }

  /** Makes the next use open the ranking again and verify its files again. */
  forget(folder: string): void {
    this.#open.delete(folder);
  }

  /** Sets the one `listener`, which is called with the folder of each ranking found to be damaged or missing. */
  onDamage(listener: (folder: string) => void): void {
    this.#onDamage = listener;
  }

  /** Closes all rankings, held or not; nothing may be read through this cache afterwards. */
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
   * Starts to read the ranking's members into memory, in place of members of rankings that were not used recently. If
   * that does not make enough room, tries again later.
   */
  #keepMembers(entry: Entry): void {
    const { ranking, size } = entry;
    entry.uses = 0;
    const bytes = memberIndexBytes(ranking.userCount, Math.min(size, ranking.candidates));
    if (size === 0 || bytes > this.#memoryBytes) return;
    // a request for all audiences of a user uses each ranking once
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

  /** Reads some more members of the first ranking that waits for them. */
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
      // this request did not cause the error; look-ups in that ranking will get the same error, and report it
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
