/** Response schemas of model versions, and of the check that a version must pass before it is served. */
import { z } from 'zod';
import type { ModelCheck, ModelVersion } from '../../service/ports/models.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, reason, time, timeText } from '../plugins/json/fields.ts';

type ModelComparison = ModelCheck['comparisons'][number];

export const modelParams = z.object({
  version: z
    .string()
    .regex(/^[0-9a-f]{12}$/, 'a version must have 12 hexadecimal digits')
    .meta({ description: 'Version of a general model.', examples: ['0123456789ab'] }),
});

const EXAMPLE = {
  version: '0123456789ab',
  name: 'demo',
  served: true,
  created_at: '2026-11-25T12:00:00.000Z',
  published_at: '2026-11-26T12:00:00.000Z',
  bytes: 1_468_006,
  check: {
    kind: 'activation' as const,
    state: 'served' as const,
    from_version: 'ba9876543210',
    population_version: 'ba9876543210',
    started_at: '2026-11-26T12:00:01.000Z',
    ended_at: '2026-11-26T12:00:04.000Z',
    reason: null,
    comparisons: [
      {
        campaign_id: 'c6b2a9f0-3d1e-4a57-9a0c-2f4a8f0b7c11',
        seeds: 120,
        scored: 49_880,
        overlap: { '0.01': 0.81, '0.05': 0.86, '0.1': 0.9 },
        served: { verdict: 'good', auc: 0.81, recall_at_5_percent: 0.31 },
        fresh: { verdict: 'good', auc: 0.82, recall_at_5_percent: 0.33 },
      },
    ],
  },
};

const predicted = answerOf<ModelComparison['served']>()(
  {
    description: 'Predicted quality of the audience, from held-out seeds.',
  },
  {
    verdict: z
      .string()
      .nullable()
      .describe('The predicted quality in one word, as in the quality report; `null` if nothing was predicted.'),
    auc: z
      .number()
      .nullable()
      .describe('Probability that a held-out seed scores above a candidate; `null` if nothing was predicted.'),
    recall_at_5_percent: z
      .number()
      .nullable()
      .describe('Expected recall of an audience of 5 % of the candidates; `null` if nothing was predicted.'),
  },
  { recall_at_5_percent: ({ recall }) => recall },
);

const comparison = answerOf<ModelComparison>()(
  {},
  {
    campaign_id: z.string(),
    seeds: count.describe('Number of seeds that both models used.'),
    scored: count.describe(
      'Number of candidates that both models scored. If the population is large, the candidates are a sample.',
    ),
    overlap: z
      .record(z.string(), z.number())
      .describe(
        'Share of users that the audiences of both models have in common, by audience size as a share of the ' +
          'candidates.',
      ),
    served: predicted,
    fresh: predicted,
  },
);

const check = answerOf<ModelCheck>()(
  {},
  {
    kind: z.enum(['activation', 'rollback']).describe('What started the check. A rollback compares no audiences.'),
    state: z
      .enum(['checking', 'served', 'refused'])
      .describe('State of the check. `refused` means that the served model has not changed; `reason` says why.'),
    from_version: z.string().describe('The model that is served during the check.'),
    population_version: z.string(),
    started_at: timeText,
    ended_at: timeText.nullable().describe('Time at which the check ended; `null` while it runs.'),
    reason: reason.nullable().describe('Why the model was refused; `null` if it was not.'),
    comparisons: z
      .array(comparison)
      .readonly()
      .describe('Comparisons of the two models on the newest campaigns. The results are not published.'),
  },
);

export const modelVersion = answerOf<ModelVersion>()(
  { id: 'ModelVersion', examples: [EXAMPLE] },
  {
    version: z.string(),
    name: z.string(),
    served: z.boolean().describe('Whether new expansions use this model version.'),
    created_at: timeText.describe('Time at which the model was trained.'),
    published_at: time.describe(
      'Time at which the files of the model were placed in the data folder, or published in a cluster.',
    ),
    bytes: count.describe('Size of the files of the model.'),
    check: check
      .nullable()
      .describe(
        'The latest check of the model; `null` if there was no check, or if the model was refused before the ' +
          'last restart.',
      ),
  },
  { served: ({ isServed }) => isServed },
);

export const modelVersions = z
  .object({ items: z.array(modelVersion).readonly() })
  .meta({ id: 'ModelVersions', examples: [{ items: [EXAMPLE] }] });
