/** The shape of the quality report of an expansion. */
import { z } from 'zod';
import { count } from '../http/fields.ts';

export const predicted = z
  .object({ mean: z.number(), low: z.number(), high: z.number() })
  .describe('An estimate and its 90 % interval, which holds the truth of members who are not seeds.');

const predictedByShare = z.record(z.string(), predicted);

/**
 * Fields of the quality report that are promised; an expansion of an earlier version may lack some, one of a later
 * version have more.
 */
export const qualitySchema = z
  .looseObject({
    epochs: count.optional().describe('Passes or steps of adaptation.'),
    held_out: z
      .looseObject({
        held_out_seeds: count,
        candidates: count,
        auc: z.number().describe('Chance that a held-out seed scores above a candidate.'),
        standard_error: z.number().describe('Of `auc`.'),
        recall: z.record(z.string(), z.number()).describe('Share of the held-out seeds in an audience, by its size.'),
      })
      .nullable()
      .optional()
      .describe('How seeds rank that were held out of adaptation; null where there were too few.'),
    prediction: z
      .looseObject({
        verdict: z
          .enum(['good', 'weak', 'unsure'])
          .describe('`weak`: the seeds look like everyone; `unsure`: they are too few to tell.'),
        reason: z.string().describe('The verdict in a sentence.'),
        auc: predicted.nullable(),
        recall: predictedByShare.describe(
          'Part of the members who are not seeds that an audience holds, by its size as a share of the ' +
            'candidates. Empty where nothing could be held out.',
        ),
        lift: predictedByShare.describe('Members in that audience, as a multiple of what a random audience has.'),
      })
      .nullable()
      .optional()
      .describe('What the audience is worth, predicted from the seeds alone.'),
  })
  .meta({ id: 'Quality' });
