/** Rankings by folder, with a limit on how many are open at a time. */
import type { BlobReader } from '../campaigns/ports/blobs.ts';
import { assert } from '../lib/errors.ts';
import { LruCache } from '../lib/lru-cache.ts';
import { openRanking, type Ranking, type ReadRanking } from './ranking.ts';

/** A ranking that is used this often is worth keeping its scores in memory. */
const USES_BEFORE_KEEPING = 1024;

/** An open ranking and its users. */
interface Entry {
  readonly ranking: Ranking;
  /** Since scores were last considered for keeping. */
  uses: number;
  /** The cache's count of uses at the last one. */
  lastUse: number;
  hasScores: boolean;
  /** Number of holders. */
  holders: number;
  /** Whether the cache keeps it open. */
  isKept: boolean;
}

/** A held ranking. */
export interface HeldRanking {
  readonly ranking: ReadRanking;
  /** Releases it; calling it once is enough. */
  close(): void;
}

/**
 * Keeps the most recently used rankings open. The result of `get` is for immediate use: any later call may close it to
 * make room. The result of `hold` stays open until it is closed, whatever happens to its folder.
 *
 * Scores of rankings that are used often stay in memory, up to `memoryBytes`: a look-up then reads no file.
 */
export class RankingCache {
  readonly #blobs: BlobReader;
  /** Rankings kept open by the cache. */
  readonly #open: LruCache<string, Entry>;
  /** Held rankings, kept or not. */
  readonly #held = new Set<Entry>();
  readonly #memoryBytes: number;
  /** Taken by scores that are kept. */
  #keptBytes = 0;
  #uses = 0;
  #closed = false;

  constructor(blobs: BlobReader, limits: { readonly openRankings: number; readonly memoryBytes: number }) {
    assert(limits.openRankings >= 1, 'a ranking cache holds at least one ranking');
    this.#blobs = blobs;
    this.#memoryBytes = limits.memoryBytes;
    this.#open = new LruCache({ maximum: limits.openRankings, onLeave: (entry) => this.#letGo(entry) });
  }

  /** @throws AppError storage_failed, as `openRanking`. */
  get(folder: string): ReadRanking {
    return this.#use(folder).ranking;
  }

  /**
   * A ranking with descriptors that stay open until it is released, even if the folder is deleted or the cache makes
   * room: for streams, which read for as long as their client does. They do not count towards the limit; the caller
   * bounds their number.
   * @throws AppError storage_failed, as `openRanking`.
   */
  hold(folder: string): HeldRanking {
    const entry = this.#use(folder);
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
   * Closes rankings whose folder no longer exists, unless they are held: only then is their disk space freed.
   */
  forgetDeleted(): void {
    for (const folder of this.#open.keys()) {
      if (!this.#blobs.has(folder)) this.#open.delete(folder);
    }
  }

  /** Closes all rankings, held or not; nothing may be read through this cache afterwards. */
  closeAll(): void {
    this.#closed = true;
    for (const folder of this.#open.keys()) this.#open.delete(folder);
    for (const { ranking } of this.#held) ranking.close();
  }

  #use(folder: string): Entry {
    assert(!this.#closed, 'the ranking cache is closed');
    const lastUse = ++this.#uses;
    const known = this.#open.get(folder);
    if (known) {
      known.lastUse = lastUse;
      if (!known.hasScores && ++known.uses >= USES_BEFORE_KEEPING) this.#keepScores(known);
      return known;
    }
    const ranking = openRanking(this.#blobs, folder);
    const entry: Entry = { ranking, uses: 1, lastUse, hasScores: false, holders: 0, isKept: true };
    this.#open.add(folder, entry);
    return entry;
  }

  /** Makes room by rankings that have become quieter than this one; where that is not enough, asks again later. */
  #keepScores(entry: Entry): void {
    entry.uses = 0;
    const bytes = scoreBytes(entry);
    if (bytes > this.#memoryBytes) return;
    const quiet = [...this.#open.values()]
      .filter(({ hasScores, lastUse }) => hasScores && this.#uses - lastUse > USES_BEFORE_KEEPING)
      .sort((a, b) => a.lastUse - b.lastUse);
    while (this.#keptBytes + bytes > this.#memoryBytes) {
      const oldest = quiet.shift();
      if (!oldest) return;
      this.#forgetScores(oldest);
    }
    entry.ranking.keepScores();
    entry.hasScores = true;
    this.#keptBytes += bytes;
  }

  #forgetScores(entry: Entry): void {
    if (!entry.hasScores) return;
    entry.ranking.forgetScores();
    entry.hasScores = false;
    this.#keptBytes -= scoreBytes(entry);
  }

  #letGo(entry: Entry): void {
    entry.isKept = false;
    this.#forgetScores(entry);
    closeUnused(entry);
  }
}

function scoreBytes({ ranking }: Entry): number {
  return 4 * ranking.userCount;
}

function closeUnused({ ranking, holders, isKept }: Entry): void {
  if (holders === 0 && !isKept) ranking.close();
}
