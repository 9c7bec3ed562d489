/** The route that compares treated users with held-out users, and its response schema. */
import { z } from 'zod';
import type { Window } from '../../domain/conversions.ts';
import { type Arm, compareArms, type Effect, type Estimate, type Lift, TUNED_USERS } from '../../domain/lift.ts';
import type { Audience } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import { grouped } from '../../lib/text/counted.ts';
import { gatherTexts } from '../../lib/text/text-table.ts';
import type { ArmName } from '../../service/ports/rankings.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { predicted } from '../expansions/quality.ts';
import { createSlots } from '../plugins/connections/slots.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, instant, range, time } from '../plugins/json/fields.ts';
import { versionNumber } from '../plugins/json/query-numbers.ts';
import { campaignParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { predictedLift } from './quality.ts';
import { checkPopulation, openFound } from './view.ts';

const estimate = answerOf<Estimate>()(
  { id: 'LiftEstimate' },
  {
    estimate: z.number().describe('The point estimate.'),
    fixed: range
      .nullable()
      .describe(
        'The 95 % interval for a single look at a time that was fixed in advance; `null` until both arms have ' +
          'conversions.',
      ),
    always_valid: range
      .nullable()
      .describe(
        'The 95 % interval that is valid at all times at once, so you may look as often as you like and stop when it ' +
          `excludes 0. Valid from ${grouped(TUNED_USERS)} users on; \`null\` until both arms have conversions.`,
      ),
  },
);

const effect = answerOf<Effect>()(
  { id: 'LiftEffect' },
  {
    treated: z.number().describe('The mean per user who was treated.'),
    held_out: z.number().describe('The mean per user who was held out.'),
    absolute: estimate.describe('The difference of the means.'),
    relative: estimate.nullable().describe('The difference relative to the users held out; `null` if their mean is 0.'),
    incremental: estimate.describe('The total effect: the difference times the number of treated users.'),
    minimum_detectable: z
      .number()
      .nullable()
      .describe(
        'The smallest absolute difference that would be found with 80 % probability; `null` until both arms have ' +
          'conversions.',
      ),
  },
);

const arm = answerOf<Arm>()(
  { id: 'LiftArm' },
  {
    users: count.describe('Number of users in the arm, without erased users.'),
    converted: count.describe('Number of these users with at least one conversion in the window.'),
    conversions: count.describe('Number of conversions of these users in the window.'),
    value: z.number().describe('The sum of the values of the conversions.'),
  },
);

/** The lift of an audience version within a window. */
interface LiftReport extends Lift {
  readonly audience: Audience;
  readonly window: Window;
  readonly arms: Readonly<Record<ArmName, Arm>>;
  readonly predictedLift: z.output<typeof predicted> | null;
  /** The hold-out percentages that were in effect during the window. */
  readonly percents: readonly number[];
}

const BASIS = 'by assignment, not exposure';

const estimateOf = (estimate: number, fixed: number, always: number) => ({
  estimate,
  fixed: { low: estimate - fixed, high: estimate + fixed },
  always_valid: { low: estimate - always, high: estimate + always },
});

const EXAMPLE = {
  campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
  audience_version: 2,
  holdout_percent: 10,
  basis: BASIS,
  window: { from: '2026-11-25T12:00:00.000Z', to: '2026-12-02T12:00:00.000Z' },
  arms: {
    treated: { users: 9000, converted: 540, conversions: 600, value: 6000 },
    held_out: { users: 1000, converted: 50, conversions: 55, value: 500 },
  },
  conversion: {
    ...{ treated: 0.06, held_out: 0.05, minimum_detectable: 0.0204 },
    absolute: estimateOf(0.01, 0.0144, 0.0225),
    relative: estimateOf(0.2, 0.3389, 0.5293),
    incremental: estimateOf(90, 129.5, 202.1),
  },
  value: {
    ...{ treated: 0.6667, held_out: 0.5, minimum_detectable: 0.224 },
    absolute: estimateOf(0.1667, 0.1605, 0.2505),
    relative: estimateOf(0.3333, 0.4143, 0.6471),
    incremental: estimateOf(1500, 1444.5, 2254.4),
  },
  sample_ratio_p: 1,
  warnings: [],
  predicted_lift: { mean: 8.4, low: 6.2, high: 10.6 },
};

const liftReport = answerOf<LiftReport>()(
  {
    id: 'LiftReport',
    description:
      'The measured lift, which is the effect of the campaign: treated users compared with users of the hold-out, by ' +
      'assignment, not exposure. All users of the audience version count, whether or not they saw the campaign.',
    examples: [EXAMPLE],
  },
  {
    campaign_id: z.string(),
    audience_version: count,
    holdout_percent: z
      .number()
      .describe(
        'Percentage of the audience version that is held out. It may have been another in parts of the window.',
      ),
    basis: z
      .literal(BASIS)
      .describe('Users are compared by the arm that they were assigned to, whether or not they saw the campaign.'),
    window: answerOf<Window>()(
      { description: 'The time range of the conversions that count.' },
      { from: time.describe('Start of the window (inclusive).'), to: time.describe('End of the window (exclusive).') },
    ),
    arms: answerOf<LiftReport['arms']>()(
      { description: 'The users of the audience version by arm, with their conversions.' },
      { treated: arm, held_out: arm },
    ),
    conversion: effect.describe('The effect on the share of users who convert.'),
    value: effect.describe('The effect on the value per user.'),
    sample_ratio_p: z
      .number()
      .describe(
        'The probability that, by chance alone, the share of held-out users differs at least this much from ' +
          '`holdout_percent` (chi-square test).',
      ),
    warnings: z
      .array(
        z.object({
          code: z.enum(['sample_ratio', 'holdout_changed']).describe('Stable code of the warning.'),
          message: z.string(),
        }),
      )
      .describe(
        'Reasons not to trust the comparison: the number of users held out is improbable, or another percentage was ' +
          'held out during a part of the window.',
      ),
    predicted_lift: predicted
      .nullable()
      .describe(
        'The predicted lift, from the seeds: how many more users who like the campaign this audience contains than a ' +
          'random one; `null` if it was not predicted. It compares audiences, not treated with untreated users.',
      ),
  },
  {
    campaign_id: ({ audience }) => audience.campaignId,
    audience_version: ({ audience }) => audience.version,
    holdout_percent: ({ audience }) => audience.holdout?.percent ?? 0,
    basis: () => BASIS,
    warnings: warningsOf,
  },
);

function warningsOf({ isSuspicious, audience, sampleRatioP, percents }: LiftReport) {
  const percent = audience.holdout?.percent ?? 0;
  const isChanged = percents.some((other) => other !== percent);
  const ratio =
    `the number of users held out differs from ${percent} % by more than chance ` +
    `(p = ${sampleRatioP.toPrecision(2)}): find out why before you trust the comparison`;
  const change =
    `${percents.join(' %, ')} % of the users were held out in parts of the window, so some users were reached for only ` +
    'a part of it: choose a window with one percentage';
  return [
    ...(isSuspicious ? [{ code: 'sample_ratio' as const, message: ratio }] : []),
    ...(isChanged ? [{ code: 'holdout_changed' as const, message: change }] : []),
  ];
}

const liftQuery = z
  .strictObject({
    version: versionNumber().optional().describe('An audience version; by default the active version.'),
    from: instant.optional().describe('Start of the window (inclusive); by default, when the version was created.'),
    to: instant.optional().describe('End of the window (exclusive); by default the current time.'),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['to'],
    message: '`to` must be after `from`',
  });

export function addLiftRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, clock, store } = dependencies;
  const take = createSlots(config.maximumOpenLifts, 'lifts are being computed');
  app.get(
    '/v1/campaigns/:id/lift',
    describeRoute({
      config: { class: 'computed' },
      operationId: 'getLift',
      scope: 'read',
      tags: ['audience'],
      summary: 'Measure the effect of a campaign',
      description:
        'Compares users of an audience version who were treated with those who were held out (`holdout_percent`), by ' +
        'their conversions (`POST …/conversions`) in a window. The arms are those of this version for the whole ' +
        'window: if another version with another `holdout_percent` was active for a part of it, some users belonged ' +
        'to the other arm at that time, and the measured effect is too small. Choose a window in which one version ' +
        'was active. With a million users, the response takes a few seconds.',
      params: campaignParams,
      querystring: liftQuery,
      response: { 200: json('The comparison, with intervals.', liftReport) },
      errors: ['campaign_not_found', 'audience_not_found', 'audience_not_ready', 'no_holdout'],
    }),
    async (request) => {
      const { id } = request.params;
      const { version, from, to = clock.now() } = request.query;
      const find = async () => ({
        audience: version === undefined ? await store.activeAudience(id) : await store.audienceVersion(id, version),
      });
      const found = await find();
      const { holdout } = found.audience;
      if (holdout === null) {
        const message = `nobody is held out in version ${found.audience.version} of the audience`;
        throw new AppError('no_holdout', message);
      }
      const release = take();
      try {
        return await openFound(found, find, async ({ audience }) => {
          const window = { from: from ?? audience.createdAt, to };
          const arms = await readArms(dependencies, audience, window);
          const { quality } = await store.expansion(id, audience.expansionId);
          const lift = compareArms(arms.treated, arms.heldOut, holdout.percent);
          const percents = await store.holdoutPercentsIn(id, window);
          return { ...lift, audience, window, arms, percents, predictedLift: predictedLift(audience, quality) };
        });
      } finally {
        release();
      }
    },
  );
}

/** Counts the users of both arms and adds up their conversions. */
async function readArms(
  dependencies: ServerDependencies,
  audience: Audience,
  window: Window,
): Promise<Record<ArmName, Arm>> {
  const { population, rankings, reads, store } = dependencies;
  const { opened: ranking, close } = await rankings.hold(audience.folder, (ranking) => {
    checkPopulation(dependencies, audience, ranking);
    return ranking;
  });
  try {
    const users = await reads.countArms(ranking, audience, population.directory);
    const armOf = (users: number) => ({ users, converted: 0, conversions: 0, value: 0, squaredValue: 0 });
    const arms = { treated: armOf(users.treated), heldOut: armOf(users.heldOut) };
    for await (const converted of store.convertedUsers(audience.campaignId, window)) {
      const numbers = population.directory.findAll(gatherTexts(converted.map(({ userId }) => userId)));
      for (const [i, name] of (await reads.armsOf(ranking, audience, numbers)).entries()) {
        if (name === null) continue;
        const { conversions, value } = converted[i]!;
        const arm = arms[name];
        arm.converted += 1;
        arm.conversions += conversions;
        arm.value += value;
        arm.squaredValue += value ** 2;
      }
    }
    return arms;
  } finally {
    close();
  }
}
