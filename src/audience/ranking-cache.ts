/** Rankings by folder, of which only so many are open at a time. */
import { assert } from '../lib/errors.ts';
import { openRanking, type Ranking } from './ranking.ts';

/**
 * Keeps the most recently used rankings open. What `get` returns stays usable for ever: one that was closed to make room
 * opens its folder again at the next call, so a slow export never reads through a closed descriptor and the limit always holds.
 */
export class RankingCache {
  readonly #openRankings: number;
  /** Open rankings, the least recently used first. */
  readonly #open = new Map<string, Ranking>();
  #closed = false;

  constructor(limits: { readonly openRankings: number }) {
    assert(limits.openRankings >= 1, 'a ranking cache holds at least one ranking');
    this.#openRankings = limits.openRankings;
  }

  /** @throws AppError storage_failed, as `openRanking`. */
  get(folder: string): Ranking {
    const { candidates, userCount } = this.#use(folder);
    return {
      candidates,
      userCount,
      read: (fromRank, count) => this.#use(folder).read(fromRank, count),
      scoreOf: (userNumber) => this.#use(folder).scoreOf(userNumber),
      rankOf: (userNumber) => this.#use(folder).rankOf(userNumber),
      close: () => this.#close(folder),
    };
  }

  /** Closes all; nothing may be read through this cache afterwards. */
  closeAll(): void {
    this.#closed = true;
    for (const folder of [...this.#open.keys()]) this.#close(folder);
  }

  #use(folder: string): Ranking {
    assert(!this.#closed, 'the ranking cache is closed');
    const ranking = this.#open.get(folder) ?? openRanking(folder);
    this.#open.delete(folder);
    this.#open.set(folder, ranking);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= this.#openRankings) break;
      this.#close(oldest);
    }
    return ranking;
  }

  #close(folder: string): void {
    this.#open.get(folder)?.close();
    this.#open.delete(folder);
  }
}
