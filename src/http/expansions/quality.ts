/** Response schemas of the quality report that the engine writes for an expansion. */
import { z } from 'zod';
import { category } from '../campaigns/inputs.ts';
import { count, interval } from '../plugins/json/fields.ts';

export const predicted = interval.describe(
  'An estimated value for users who like the campaign and are not seeds, with its 90 % interval.',
);

export const verdict = z
  .enum(['good', 'weak', 'unsure'])
  .describe(
    'The predicted quality in one word: `good`; `weak` if the seeds look like random users; `unsure` if there ' +
      'are too few seeds to tell.',
  );

/** What a prediction assumes about later customers. */
export const drift = z
  .looseObject({
    measured: z
      .boolean()
      .describe(
        'Whether the drift was measured in training, on past campaigns whose members have dates. If drift was not ' +
          'measured, the prediction assumes that later customers are like the seeds.',
      ),
    campaigns: count.describe('Number of past campaigns on which the drift was measured; 0 if it was not measured.'),
    auc_before: predicted
      .nullable()
      .describe('AUC of held-out seeds before the correction for drift; `null` if there was no correction.'),
  })
  .describe('Drift: how much less similar later customers are to the seeds than the seeds are to each other.');

const predictedByShare = z.record(z.string(), predicted);

const prediction = z.looseObject({
  verdict,
  reason: z.string().describe('A sentence that explains the verdict.'),
  fitting_seeds: count
    .optional()
    .describe(
      "Number of seeds that are in the population and match the campaign's filters. Only these seeds are held out " +
        'and ranked among candidates.',
    ),
  auc: predicted
    .nullable()
    .describe(
      'Probability that a user who likes the campaign scores above a candidate; `null` if too few seeds match the ' +
        'filters.',
    ),
  recall: predictedByShare.describe(
    'Predicted recall: the fraction of users who like the campaign, seeds excluded, that an audience contains. The ' +
      'keys are audience sizes as fractions of the candidates. Empty if too few seeds match the filters.',
  ),
  lift: predictedByShare.describe(
    'Predicted lift: the number of users in the audience who like the campaign, relative to a random audience of the ' +
      'same size. `GET …/lift` returns the measured lift.',
  ),
  drift: drift.optional(),
});

export const fourFifthsPrice = z
  .looseObject({
    feature: z.string().describe('The feature whose groups are compared.'),
    sizes: z
      .array(
        z.looseObject({
          share: z.number().describe('Audience size as a share of the candidates.'),
          size: count.describe('Number of users in an audience of this size.'),
          ratio_before: z.number().describe('The lowest selection rate divided by the highest, before the change.'),
          ratio: z
            .number()
            .describe('The same ratio after the change. It is below .8 only if a group has too few candidates.'),
          mean_score_before: z.number().describe('Mean score of the audience before the change.'),
          mean_score: z.number().describe("Mean of the model's own scores in the audience after the change."),
          groups: z
            .array(
              z.object({
                token: z.string().describe('The token that the users of the group have.'),
                before: count.describe('Number of users of the group before the change.'),
                users: count.describe('Number of users of the group after the change.'),
              }),
            )
            .describe('Users of each group in an audience of this size, before and after the change.'),
        }),
      )
      .describe('The price by audience size.'),
  })
  .meta({ id: 'FourFifthsPrice' });

export const excludedCounts = {
  features: z.array(z.string()).readonly().describe('The user features that were excluded.'),
  past_campaigns: count.describe('Number of past campaigns that were excluded.'),
};

export const exclusion = z.looseObject({
  category,
  ...excludedCounts,
  prediction_with_all_features: prediction
    .nullable()
    .describe(
      'The prediction for a model that uses all features, from the same held-out seeds: what the exclusion costs. ' +
        '`null` if nothing was predicted.',
    ),
});

/**
 * Fields of the quality report. Reports by earlier versions of the service may lack some fields, and reports by later
 * versions may have more.
 */
const report = z
  .looseObject({
    epochs: count
      .optional()
      .describe(
        'Number of adaptation passes or steps. 0 if the model consists of regressions alone, or if held-out ' +
          'seeds ranked best before the first step. In the second case, the model is used unchanged, and ' +
          '`reason` of the prediction says so.',
      ),
    held_out: z
      .looseObject({
        held_out_seeds: count.describe('Number of seeds that were held out.'),
        candidates: count.describe('Number of candidates among whom they were ranked.'),
        auc: z.number().describe('Probability that a held-out seed scores above a candidate.'),
        standard_error: z.number().describe('Standard error of `auc`.'),
        recall: z
          .record(z.string(), z.number())
          .describe('Share of the held-out seeds that an audience contains, by audience size.'),
      })
      .nullable()
      .optional()
      .describe(
        'Ranking of seeds that were held out from adaptation, not of users of the hold-out; `null` if too few seeds ' +
          'match the filters. The candidates do not include users who dismissed the campaign.',
      ),
    prediction: prediction
      .nullable()
      .optional()
      .describe(
        'The expected quality of the audience, predicted from the seeds alone; `null` if nothing was predicted.',
      ),
    four_fifths: fourFifthsPrice
      .optional()
      .describe('The effect of the four-fifths rule; absent if the campaign does not use it.'),
    excluded: exclusion
      .optional()
      .describe(
        "Features and past campaigns that the campaign's category excluded; absent without a category. Counts of users " +
          'who are not ranked are in `excluded` of the expansion.',
      ),
  })
  .meta({ id: 'Quality' });

/** Audience sizes for which a campaign shows predictions. The whole curve has its own route. */
const SHOWN_SHARES = ['0.01', '0.02', '0.05', '0.1', '0.2'];

/** Reduces a quality report to a few of its predicted sizes. */
export const quality = z
  .transform<Readonly<Record<string, unknown>>, z.input<typeof report>>((given) => {
    const whole = given as z.input<typeof report>; // the schema checks it
    const { prediction: own, excluded } = whole;
    const all = excluded?.prediction_with_all_features;
    return {
      ...whole,
      ...(own && { prediction: fewSizes(own) }),
      ...(excluded && all && { excluded: { ...excluded, prediction_with_all_features: fewSizes(all) } }),
    };
  })
  .pipe(report);

function fewSizes(whole: z.input<typeof prediction>): z.input<typeof prediction> {
  return { ...whole, recall: atShares(whole.recall), lift: atShares(whole.lift) };
}

function atShares<T>(bySize: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    SHOWN_SHARES.flatMap((share) => (Object.hasOwn(bySize, share) ? [[share, bySize[share]!]] : [])),
  );
}
