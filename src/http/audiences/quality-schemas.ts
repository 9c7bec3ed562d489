/** The shape of an audience's expected quality, by size. */
import { z } from 'zod';
import { driftSchema, predicted } from '../expansions/quality-schema.ts';
import { count } from '../plugins/json/fields.ts';
import { versionNumber } from '../plugins/json/query-numbers.ts';

export const qualityReportSchema = z
  .object({
    campaign_id: z.string(),
    expansion_id: z.string(),
    audience_version: count,
    size: count.describe('Users in the audience.'),
    candidates: count,
    verdict: z
      .enum(['good', 'weak', 'unsure'])
      .nullable()
      .describe(
        '`weak`: the seeds look like everyone; `unsure`: there are too few to tell. null if nothing was predicted.',
      ),
    reason: z.string().describe('The verdict in a sentence, with its numbers.'),
    fitting_seeds: count
      .nullable()
      .describe(
        "Seeds that fit the campaign's filters: only these are held out and ranked. null in a report by an earlier " +
          'version.',
      ),
    auc: predicted
      .nullable()
      .describe('Probability that a member scores above a candidate; null if too few seeds fit the filters.'),
    drift: driftSchema.nullable().describe('null if nothing was predicted, or by an earlier version.'),
    curve: z
      .array(
        z.object({
          share: z.number().describe('Share of the candidates.'),
          size: count,
          recall: predicted.describe('Share of the members who are not seeds that an audience of this size contains.'),
          lift: predicted.describe('Members in it, as a multiple of those in a random audience.'),
        }),
      )
      .describe('By size, smallest first; empty if too few seeds fit the filters.'),
  })
  .meta({
    id: 'QualityReport',
    description:
      "The audience's expected quality, predicted from the seeds alone: each fifth of those that fit the filters is " +
      'ranked among candidates by a model that learned from all others. Intervals are 90 %: they contain the truth nine times in ten. ' +
      'Nothing is claimed about the probability of a single user.',
    examples: [
      {
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        expansion_id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
        audience_version: 2,
        size: 1000,
        candidates: 20000,
        verdict: 'good',
        reason: 'held-out seeds rank above most candidates: AUC 0.86, between 0.82 and 0.90',
        fitting_seeds: 57,
        auc: { mean: 0.86, low: 0.82, high: 0.9 },
        drift: { measured: false, campaigns: 0, auc_before: null },
        curve: [
          {
            share: 0.05,
            size: 1000,
            recall: { mean: 0.42, low: 0.31, high: 0.53 },
            lift: { mean: 8.4, low: 6.2, high: 10.6 },
          },
        ],
      },
    ],
  });

/** Without a version, the active one. */
export const qualityQuery = z.strictObject({
  version: versionNumber().optional().describe('An audience version; the active one if not given.'),
});
