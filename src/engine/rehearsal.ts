/** The campaign of made-up seeds that an engine runs after a start and after a switch. */
import type { Population } from '../population/read.ts';
import type { CustomiseTask, ScoreTask } from './thread-tasks.ts';

const SEEDS = 200;
/** A rehearsal scores at most this many segments (2 million users), because it only has to be like a real campaign. */
const MOST_SEGMENTS = 32;

export interface Rehearsal {
  readonly task: CustomiseTask;
  readonly scoring: Omit<ScoreTask, 'parameters' | 'segment'>;
  readonly segments: readonly number[];
}

/** A campaign whose seeds are spread evenly over the population. It stores the user sides that it has to make. */
export function rehearsalOn({ version, rowCount, segmentCount }: Population, userSideBytes: number): Rehearsal {
  const seeds = Int32Array.from({ length: Math.min(SEEDS, rowCount) }, (_, i) => Math.floor((i * rowCount) / SEEDS));
  const isSeed = new Set(seeds);
  const campaign = { populationVersion: version, features: {}, externalId: null, category: null };
  return {
    task: {
      ...{ ...campaign, kind: 'customise', key: 'rehearsal', seeds, negativeWeight: 1 },
      candidates: Int32Array.from({ length: rowCount }, (_, row) => row).filter((row) => !isSeed.has(row)),
      dismissed: new Int32Array(0),
    },
    scoring: { ...campaign, kind: 'score', modelKey: 'rehearsal', userSideBytes },
    segments: Array.from({ length: Math.min(segmentCount, MOST_SEGMENTS) }, (_, segment) => segment),
  };
}
