/** Response schemas of expansions, and the fields of the latest expansion that a campaign shows. */
import { z } from 'zod';
import { CAUSES } from '../../domain/changes.ts';
import type { ComputedWith } from '../../domain/run-facts.ts';
import { EXPANSION_STATES } from '../../domain/states.ts';
import type { Expansion, SeedCounts } from '../../domain/types.ts';
import { filters, fourFifths, optionalCategory } from '../campaigns/inputs.ts';
import { component } from '../openapi/component.ts';
import { answerOf, pageOf } from '../plugins/json/answer.ts';
import { count, featureValue, reason, seconds, time } from '../plugins/json/fields.ts';
import { campaignParams } from '../plugins/params.ts';
import { quality } from './quality.ts';

export const expansionState = z
  .enum(EXPANSION_STATES)
  .describe(
    'State of the expansion: `queued`, `adapting` (the model learns from the seeds) or `scoring` (it ranks the ' +
      'population); finally `ready`, `too_small` (too few known seeds), `failed`, `cancelled` (by a caller) or ' +
      '`superseded` (by a newer expansion).',
  );

export const latestState = expansionState
  .nullable()
  .describe('State of the latest expansion; `null` before the first expansion.');

export const seedCountFields = {
  received: count.describe('Number of ids sent, including repeated ones.'),
  known: count.describe('Number of distinct ids that are in the population.'),
  unknown: count.describe('Number of distinct ids that are not in the population.'),
  duplicate: count.describe('Number of ids that repeat an earlier id.'),
  unknown_examples: z.array(z.string()).readonly().describe('Up to 10 unknown ids.'),
};

export const outside = count
  .optional()
  .describe(
    'Number of users who are not in the population but were sent with `features`. The model learns from them; they ' +
      'are never ranked. Only present if there are any.',
  );

const seedCounts = answerOf<SeedCounts>()(
  { description: 'Counts of the seeds: received = known + unknown + outside + duplicate.' },
  { ...seedCountFields, outside },
);

export const excluded = z
  .object({
    seeds: count.describe('Number of seeds.'),
    suppressed: count.describe('Number of users who are on a suppression list or were erased.'),
    filtered: count.describe('Number of users who do not match the filters.'),
  })
  .nullable()
  .describe(
    'Numbers of users who are not ranked. Each user is counted under one reason. `null` until the users have been ' +
      'counted.',
  );

/** Fields of an expansion that are also shown in its campaign. */
export const runFields = {
  progress: z.number().min(0).max(1).describe('Progress of the expansion from 0 to 1, which never decreases.'),
  eta_seconds: seconds
    .nullable()
    .describe(
      'Estimated time until the expansion ends, based on earlier expansions; `null` if the expansion has ended, is ' +
        'the first, or has very many expansions before it in the queue.',
    ),
  reason: reason
    .nullable()
    .describe('The reason for the state of the expansion, with the relevant numbers; `null` if the state needs none.'),
  features: z.record(z.string(), featureValue).describe('The campaign features by name.'),
  filters,
  seeds: seedCounts,
  excluded,
  model_version: z.string().nullable().describe('Version of the general model; `null` until the expansion begins.'),
  population_version: z.string().nullable().describe('Version of the population; `null` until the expansion begins.'),
  timings: z.record(z.string(), z.number()).describe('Duration of each stage of the expansion in seconds.'),
  quality: quality.nullable().describe('The quality report of the expansion; `null` until it is `ready`.'),
};

export const computedWith = {
  device: z.string().describe('Device of the engine: `cpu`, or `cuda:` followed by a number.'),
  threads: count.describe('Number of threads of the engine.'),
  batch_size: count.describe('Number of users scored in one run of the model.'),
};

export const expansion = answerOf<Expansion>()(
  {
    id: 'Expansion',
    examples: [
      {
        id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        cause: 'requested',
        state: 'scoring',
        progress: 0.7,
        eta_seconds: 1.2,
        reason: null,
        features: { category: 'shoes' },
        filters: { country: ['DE', 'AT'] },
        seeds: { received: 120, known: 117, unknown: 2, duplicate: 1, unknown_examples: ['u-77', 'u-78'] },
        feedback: { positives: 12, dismissed: 3 },
        negatives: 0,
        negative_weight: 1,
        category: null,
        four_fifths: null,
        excluded: null,
        model_version: '0123456789ab',
        population_version: 'ba9876543210',
        audience_version: null,
        timings: {},
        computed_with: null,
        quality: null,
        created_at: '2026-11-25T12:00:00.000Z',
        started_at: '2026-11-25T12:00:01.000Z',
        updated_at: '2026-11-25T12:00:03.000Z',
      },
    ],
  },
  {
    id: z.string(),
    campaign_id: z.string(),
    cause: z
      .enum(CAUSES)
      .describe("Cause of the expansion: the campaign's creation, a request, or a trigger of the refresh policy."),
    state: expansionState,
    ...runFields,
    feedback: z
      .object({
        positives: count.describe('Number of users who converted or clicked.'),
        dismissed: count.describe('Number of users who dismissed the campaign.'),
      })
      .describe('Numbers of users whom feedback added to the seeds and to the negatives.'),
    negatives: count.describe("Number of users in the campaign's negatives."),
    negative_weight: z.number().describe('Weight of an explicit negative; a sampled negative has weight 1.'),
    category: optionalCategory,
    four_fifths: fourFifths,
    audience_version: count
      .nullable()
      .describe('The earliest audience version from this expansion that is still kept; `null` if there is none.'),
    computed_with: answerOf<ComputedWith>()({}, computedWith)
      .nullable()
      .describe(
        'Device and settings that computed the expansion; `null` until the expansion is ready, and for ' +
          'expansions by earlier versions of the service.',
      ),
    created_at: time,
    started_at: time.nullable().describe('Time at which the first attempt began; `null` while none has begun.'),
    updated_at: time,
  },
  { eta_seconds: ({ remainingMs }) => remainingMs },
);

export const expansionPage = pageOf('ExpansionPage', expansion);

export const expansionParams = z.strictObject({
  id: campaignParams.shape.id,
  expansion_id: z.string().meta({
    ...component('ExpansionId'),
    description: 'Id of an expansion.',
    examples: ['5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77'],
  }),
});
