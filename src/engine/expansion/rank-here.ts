/** Ranks an expansion in this engine alone: adapts the model, scores all segments, and writes the ranking. */
import { type FourFifthsPrice, rankFairly, readGroups } from '../../audience/four-fifths.ts';
import { type WrittenRanking, writeRanking } from '../../audience/write-ranking.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import { mergedFolder, rankingFolder } from '../../domain/ranking-name.ts';
import type { Roles } from '../../domain/roles.ts';
import type { ThreadSeconds } from '../../domain/run-facts.ts';
import type { Job, Pins } from '../../domain/types.ts';
import type { Cancellation } from '../../lib/threads/cancellation.ts';
import { CUSTOMISED_FILE } from '../../model/customised.ts';
import type { Population } from '../../population/read.ts';
import type { CustomiseTask, StoredCustomised } from '../thread-tasks.ts';
import { type AdaptDependencies, adaptAndScore, type ExpansionObserver } from './adapt-and-score.ts';
import { leaveOut } from './expansion-users.ts';

/** The inputs of a ranking. */
export interface RankedWork {
  readonly job: Job;
  readonly pins: Pins;
  readonly population: Population;
  readonly task: CustomiseTask;
  readonly roles: Roles;
  /** Expected share of the work for each kind of work. */
  readonly shares: ThreadSeconds;
}

/** The feature that the four-fifths rule is applied to, and what the rule costs. */
export interface FourFifths {
  readonly feature: string;
  readonly sizes: readonly FourFifthsPrice[];
}

/** A ranking that has been written, but not published yet. */
export interface Ranked extends WrittenRanking {
  /** The blob folder of the ranking. */
  readonly folder: string;
  readonly customised: StoredCustomised;
  /** Number of users per run of the model. */
  readonly batchSize: number;
  /** The effect of the four-fifths rule; null if the campaign does not use it. */
  readonly fourFifths: FourFifths | null;
  /** Thread-seconds of the work; null if an earlier attempt did part of the work. */
  readonly threadSeconds: ThreadSeconds | null;
}

interface RankDependencies extends AdaptDependencies {
  readonly store: Pick<CampaignStore, 'blobs' | 'ranges'>;
}

/** Ranks an expansion. Rejects with errors of the threads or of `observer`, or with AppError storage_failed. */
export async function rankHere(
  dependencies: RankDependencies,
  work: RankedWork,
  cancellation: Cancellation,
  observer: ExpansionObserver,
): Promise<Ranked> {
  const { store } = dependencies;
  const { job, population, roles } = work;
  const { scores, ...scored } = await adaptAndScore(dependencies, work, cancellation, observer);
  leaveOut(population, [roles.seeds, roles.suppressed, roles.filtered], scores);
  const fourFifths = applyFourFifths(population, job, scores);
  await observer.onAllScored();
  // in a cluster, an owner that lost its claim may still be writing
  const folder =
    store.ranges === null
      ? rankingFolder(job.campaignId, job.expansionId)
      : mergedFolder(job.campaignId, job.expansionId, job.token);
  const beside = new Map([[CUSTOMISED_FILE, scored.customised.customised]]);
  const written = await writeRanking(store.blobs, folder, scores, beside);
  return { folder, ...written, ...scored, fourFifths };
}

/** Changes the scores of all users so that they meet the four-fifths rule, if the campaign uses it. */
export function applyFourFifths(
  population: Population,
  { fourFifths }: Pick<Job, 'fourFifths'>,
  scores: Float32Array,
): FourFifths | null {
  if (fourFifths === null) return null;
  return { feature: fourFifths, sizes: rankFairly(scores, readGroups(population, fourFifths)) };
}
