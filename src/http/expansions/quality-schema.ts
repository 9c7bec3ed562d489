/** The shape of the quality report of an expansion. */
import { z } from 'zod';
import { count } from '../plugins/json/fields.ts';

export const predicted = z
  .object({ mean: z.number(), low: z.number(), high: z.number() })
  .describe('An estimate and its 90 % interval for the true value among members who are not seeds.');

/** What a prediction takes for granted of members who come later. */
export const driftSchema = z
  .looseObject({
    measured: z
      .boolean()
      .describe(
        'Whether training measured it, on past campaigns whose members have dates. If not, the prediction assumes no ' +
          'drift: that members who come later are like the seeds.',
      ),
    campaigns: count.describe('Past campaigns that it was measured on; 0 if it was not.'),
    auc_before: predicted
      .nullable()
      .describe('The AUC of held-out seeds, before it was corrected for drift; null if it was not.'),
  })
  .describe('How far members who come later are less like the seeds than the seeds are like each other.');

const predictedByShare = z.record(z.string(), predicted);

/**
 * Guaranteed fields of the quality report; an expansion by an earlier version may lack some, one by a later version may
 * have more.
 */
export const qualitySchema = z
  .looseObject({
    epochs: count
      .optional()
      .describe(
        'Adaptation passes or steps. 0: the model is made of regressions alone, or held-out seeds ranked best before ' +
          'any, so that it is used as it was; `reason` of the prediction then says so.',
      ),
    held_out: z
      .looseObject({
        held_out_seeds: count,
        candidates: count,
        auc: z.number().describe('Probability that a held-out seed scores above a candidate.'),
        standard_error: z.number().describe('Standard error of `auc`.'),
        recall: z.record(z.string(), z.number()).describe('Share of the held-out seeds in an audience, by its size.'),
      })
      .nullable()
      .optional()
      .describe(
        'How seeds that were held out of adaptation rank; null if too few seeds fit the filters. Dismissed users are ' +
          'not among the candidates here.',
      ),
    prediction: z
      .looseObject({
        verdict: z
          .enum(['good', 'weak', 'unsure'])
          .describe('`weak`: the seeds look like everyone; `unsure`: there are too few to tell.'),
        reason: z.string().describe('The verdict in a sentence.'),
        fitting_seeds: count
          .optional()
          .describe("Seeds that fit the campaign's filters: only these are held out and ranked among candidates."),
        auc: predicted.nullable(),
        recall: predictedByShare.describe(
          'Share of the members who are not seeds that an audience contains, by its size as a share of the ' +
            'candidates. Empty if too few seeds fit the filters.',
        ),
        lift: predictedByShare.describe('Members in that audience, as a multiple of those in a random audience.'),
        drift: driftSchema.optional(),
      })
      .nullable()
      .optional()
      .describe('The expected quality of the audience, predicted from the seeds alone.'),
  })
  .meta({ id: 'Quality' });
