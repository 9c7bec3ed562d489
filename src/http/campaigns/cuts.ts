/** Schemas of the named cuts of campaigns and of audience versions. */
import { z } from 'zod';
import type { AudienceCut, CutRequest } from '../../domain/cuts.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count } from '../plugins/json/fields.ts';
import type { CampaignLimits } from './limits.ts';

const NAME = /^[A-Za-z][\w.-]*$/;

/** Schema of a cut's name, in bodies and query parameters. */
export function cutName({ maximumCutNameLength: most }: CampaignLimits) {
  return z
    .string()
    .max(most)
    .regex(NAME, 'a letter, followed by letters, digits, `_`, `-` and `.`, is expected')
    .meta({ examples: ['first'] });
}

const size = z.int().min(0);
const percent = z.number().min(0).max(100);
const FROM = {
  size: size.describe('The cut begins after an audience of this size.'),
  percent: percent.describe('Like `from_size`, as a percentage of the population.'),
};
const TO = {
  size: size.min(1).describe('The cut ends with an audience of this size, which must be above `from_size`.'),
  percent: percent.gt(0).describe('Like `to_size`, as a percentage of the population.'),
};

export function cutsField(config: CampaignLimits) {
  const inUsers = z
    .strictObject({
      name: cutName(config),
      from_size: FROM.size,
      to_size: TO.size,
    })
    .refine(({ from_size, to_size }) => from_size < to_size, 'from_size must be below to_size');
  const inPercent = z
    .strictObject({
      name: cutName(config),
      from_percent: FROM.percent,
      to_percent: TO.percent,
    })
    .refine(({ from_percent, to_percent }) => from_percent < to_percent, 'from_percent must be below to_percent');
  const cut = z
    .union([inUsers, inPercent], 'either from_percent and to_percent, or from_size and to_size, are expected')
    .transform((given): CutRequest => {
      if ('from_size' in given) return { name: given.name, unit: 'size', from: given.from_size, to: given.to_size };
      return { name: given.name, unit: 'percent', from: given.from_percent, to: given.to_percent };
    });
  return z
    .array(cut)
    .max(config.maximumCuts)
    .refine((cuts) => new Set(cuts.map(({ name }) => name)).size === cuts.length, 'names of cuts must be unique')
    .meta({
      description:
        'Named parts of the ranking that are served in addition to the audience, such as the second percent of the ' +
        'population. Pages, exports, differences and look-ups read one with `cut=NAME`. Cuts may overlap each other ' +
        'and extend beyond the audience.',
      examples: [[{ name: 'second', from_percent: 1, to_percent: 2 }]],
    });
}

/** The response schema of the cuts of a campaign. */
export const cuts = z
  .array(
    z
      .transform(({ name, unit, from, to }: CutRequest) =>
        unit === 'size' ? { name, from_size: from, to_size: to } : { name, from_percent: from, to_percent: to },
      )
      .pipe(
        z.union([
          z.object({ name: z.string(), from_size: FROM.size, to_size: TO.size }),
          z.object({ name: z.string(), from_percent: FROM.percent, to_percent: TO.percent }),
        ]),
      ),
  )
  .readonly()
  .describe('The named cuts of the campaign.');

const SIZES = {
  name: z.string(),
  from_size: count.describe('Rank after which the cut begins.'),
  to_size: count.describe('Last rank of the cut.'),
  size: count.describe('Number of users in the cut, including users who are held out.'),
};

/** The cuts of an audience version in events. */
export const cutSizes = z.array(z.strictObject(SIZES));

/** The response schema of the cuts of an audience version. */
export const audienceCuts = z
  .array(
    answerOf<AudienceCut>()({}, SIZES, {
      from_size: ({ from }) => from,
      to_size: ({ to }) => to,
      size: ({ from, to }) => to - from,
    }),
  )
  .readonly();
