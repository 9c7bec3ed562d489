/** Open rankings, the least recently used closed first. */
import type { Ranking } from './ranking.ts';

export class RankingCache {
  declare get: (folder: string) => Ranking;
  declare closeAll: () => void;
  constructor(_limits: { readonly openRankings: number }) {
    throw new Error('to be written');
  }
}
