/** Expands a campaign with two models, without publishing audiences, and measures how far the models agree. */

import { type FoundRoles, findRoles } from '../../audience/find-roles.ts';
import { orderOf } from '../../audience/order.ts';
import type { SetReader } from '../../domain/ports/expansions.ts';
import { findShortfall } from '../../domain/roles.ts';
import type { Job } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import { topCount } from '../../online/quality/seed-ranks.ts';
import type { Population } from '../../population/read.ts';
import { type ThreadPool, URGENCY } from '../pool.ts';
import { customiseTask, leaveOut, roleIdsOf } from './expansion-users.ts';

/**
 * Maximum number of scored segments, which are spread over the population. A million users suffice to compare two
 * models, and scoring a large population twice would slow down other expansions.
 */
const SHADOW_SEGMENTS = 16;
/** Audience sizes at which the audiences are compared, as shares of the scored candidates. */
const OVERLAP_SHARES = [0.01, 0.05, 0.1] as const;
/** The audience size for which recall is predicted. */
const RECALL_SHARE = '0.05';

/** A campaign that both the checked model and the served model expand, for comparison. */
export type ShadowCampaign = Pick<
  Job,
  'campaignId' | 'externalId' | 'category' | 'features' | 'filters' | 'negativeWeight' | 'sets'
>;

/** One of the two compared models: its version and its threads. */
export interface ShadowModel {
  readonly version: string;
  readonly pool: ThreadPool;
}

/** The quality that a model predicts for its own audience from held-out seeds; null if there were too few seeds. */
interface PredictedQuality {
  readonly verdict: string | null;
  readonly auc: number | null;
  /** Predicted recall for an audience of 5 % of the candidates. */
  readonly recall: number | null;
}

export interface ShadowComparison {
  readonly campaignId: string;
  readonly seeds: number;
  /** Number of candidates that both models scored. */
  readonly scored: number;
  /**
   * The share of one model's audience that is also in the other model's audience, by audience size (a share of the
   * candidates).
   */
  readonly overlap: Readonly<Record<string, number>>;
  readonly served: PredictedQuality;
  readonly fresh: PredictedQuality;
}

export interface ShadowDependencies {
  readonly store: SetReader;
  readonly population: Population;
  readonly minimumSeeds: number;
}

/**
 * Returns the comparison; null if no model could make an audience now because too few seeds are left, there are no
 * candidates, or the campaign was deleted.
 * @throws any error that the expansion with the checked model throws; ThreadDied
 */
export async function compareOn(
  campaign: ShadowCampaign,
  models: { readonly served: ShadowModel; readonly fresh: ShadowModel },
  { store, population, minimumSeeds }: ShadowDependencies,
): Promise<ShadowComparison | null> {
  const { filters, category } = campaign;
  const ids = await roleIdsOf(store, campaign);
  const rows = await orNull(findRoles(population, ids, filters, () => {}, category));
  if (rows === null) return null;
  const seedRows = rows.seedRows?.rows.count ?? 0;
  if (findShortfall(rows, population.rowCount, minimumSeeds, seedRows) !== null) return null;
  const served = await orNull(shadowExpand(campaign, rows, models.served, population));
  if (served === null) return null;
  const fresh = await shadowExpand(campaign, rows, models.fresh, population);
  return {
    campaignId: campaign.campaignId,
    seeds: rows.seeds.length + seedRows,
    ...overlapOf(served.scores, fresh.scores),
    served: served.quality,
    fresh: fresh.quality,
  };
}

/** Returns null if the expansion fails with an AppError, which does not indicate a bug. */
async function orNull<T>(made: Promise<T>): Promise<T | null> {
  try {
    return await made;
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

async function shadowExpand(
  campaign: ShadowCampaign,
  rows: FoundRoles,
  { version: modelVersion, pool }: ShadowModel,
  population: Population,
): Promise<{ readonly scores: Float32Array; readonly quality: PredictedQuality }> {
  const populationVersion = population.version;
  const task = customiseTask(campaign, modelVersion, population, rows);
  const { parameters, prediction } = await pool.customise(task, {}, URGENCY.check);
  const scores = new Float32Array(population.directory.size).fill(Number.NaN);
  const { features, externalId, category } = campaign;
  const modelKey = `shadow/${campaign.campaignId}/${modelVersion}`;
  await Promise.all(
    spreadSegments(population.segmentCount).map(async (segment) => {
      const own = { modelKey, features, externalId, category, parameters };
      const task = { kind: 'score', populationVersion, segment, ...own } as const;
      const result = await pool.score(task, {}, URGENCY.check);
      for (let i = 0; i < result.scores.length; i++) scores[result.userNumbers[i]!] = result.scores[i]!;
    }),
  );
  leaveOut(population, [rows.seeds, rows.suppressed, rows.filtered], scores);
  return { scores, quality: qualityOf(prediction) };
}

function spreadSegments(segments: number): number[] {
  const count = Math.min(segments, SHADOW_SEGMENTS);
  return Array.from({ length: count }, (_, i) => Math.floor((i * segments) / count));
}

function qualityOf(prediction: Readonly<Record<string, unknown>> | null): PredictedQuality {
  const { verdict, auc, recall } = (prediction ?? {}) as {
    readonly verdict?: string;
    readonly auc?: { readonly mean: number } | null;
    readonly recall?: Readonly<Record<string, { readonly mean: number }>>;
  };
  return { verdict: verdict ?? null, auc: auc?.mean ?? null, recall: recall?.[RECALL_SHARE]?.mean ?? null };
}

/** Compares two arrays of scores by user number. The same users must have NaN in both arrays. */
function overlapOf(served: Float32Array, fresh: Float32Array): Pick<ShadowComparison, 'scored' | 'overlap'> {
  const [before, after] = [orderOf(served), orderOf(fresh)];
  const overlap: Record<string, number> = {};
  for (const share of OVERLAP_SHARES) {
    const count = topCount(before.length, share);
    const members = new Set(before.subarray(0, count));
    let both = 0;
    for (const number of after.subarray(0, count)) if (members.has(number)) both += 1;
    overlap[share] = count === 0 ? 1 : both / count;
  }
  return { scored: before.length, overlap };
}
