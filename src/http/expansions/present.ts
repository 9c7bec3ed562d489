/** Expansions in the words of the API. */
import type { z } from 'zod';
import type { Campaign, Expansion, SeedCounts } from '../../domain/types.ts';
import type { campaignSchema } from '../campaigns/schemas.ts';
import { presentTime } from '../plugins/present-time.ts';
import type { expansionSchema } from './schemas.ts';

/** An expansion as JSON. */
export function presentExpansion(expansion: Expansion): z.output<typeof expansionSchema> {
  const { feedback, computedWith, remainingMs, startedAt } = expansion;
  return {
    id: expansion.id,
    campaign_id: expansion.campaignId,
    cause: expansion.cause,
    state: expansion.state,
    progress: expansion.progress,
    eta_seconds: remainingMs === null ? null : remainingMs / 1000,
    reason: expansion.reason,
    features: expansion.features,
    filters: expansion.filters,
    seeds: presentCounts(expansion.seeds),
    feedback: { positives: feedback.positives, dismissed: feedback.dismissed },
    excluded: expansion.excluded && { ...expansion.excluded },
    model_version: expansion.modelVersion,
    population_version: expansion.populationVersion,
    audience_version: expansion.audienceVersion,
    timings: expansion.timings,
    computed_with: computedWith && {
      device: computedWith.device,
      threads: computedWith.threads,
      batch_size: computedWith.batchSize,
    },
    quality: presentQuality(expansion.quality),
    created_at: presentTime(expansion.createdAt),
    started_at: startedAt === null ? null : presentTime(startedAt),
    updated_at: presentTime(expansion.updatedAt),
  };
}

export function presentCounts(seeds: SeedCounts): z.output<typeof campaignSchema>['seeds'] {
  const { received, known, unknown, duplicate, unknownExamples } = seeds;
  return { received, known, unknown, duplicate, unknown_examples: unknownExamples };
}

type Quality = z.output<typeof campaignSchema>['quality'];

/** Sizes for which a campaign shows predictions; the whole curve has its own route. */
const SHOWN_SHARES = ['0.01', '0.02', '0.05', '0.1', '0.2'];

/** The report as the engine wrote it, which the serialiser checks, with only a few of the predicted sizes. */
export function presentQuality(quality: Campaign['quality']): Quality {
  const report = quality as Quality;
  if (!report?.prediction) return report;
  const shown = <T>(bySize: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      SHOWN_SHARES.flatMap((share) => (Object.hasOwn(bySize, share) ? [[share, bySize[share]!]] : [])),
    );
  const { recall, lift } = report.prediction;
  return { ...report, prediction: { ...report.prediction, recall: shown(recall), lift: shown(lift) } };
}
