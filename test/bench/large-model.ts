/** MetaHeac at the sizes of the Tencent Look-alike data (k = 64, 22 million parameters), with random users. */

import type { LabelledBatch } from '../../src/adaptation/adam-program.ts';
import { buildMetaHeac, randomInitial } from '../../src/architectures/metaheac.ts';
import { type Tensor, tensor } from '../../src/graph/index.ts';
import { createRng } from '../../src/lib/rng.ts';

const SINGLE = { carrier: 4, consumptionAbility: 3, LBS: 856, age: 6, education: 8, gender: 3, house: 2 };
const MULTI = {
  interest1: [125, 10],
  interest2: [83, 10],
  interest3: [13, 10],
  kw1: [263_313, 5],
  kw2: [49_781, 5],
  topic1: [10_003, 5],
  topic2: [9985, 5],
} as const;
const CAMPAIGN = {
  advertiserId: 79,
  campaignId: 138,
  creativeSize: 15,
  adCategoryId: 40,
  productId: 33,
  productType: 4,
};

export function largeModel() {
  const single = (sizes: Record<string, number>) =>
    Object.entries(sizes).map(([name, rows]) => ({ name, kind: 'single' as const, rows }));
  const multi = Object.entries(MULTI).map(([name, [rows, maxLength]]) => ({
    name,
    kind: 'multi' as const,
    rows,
    maxLength,
  }));
  const config = {
    user: [...single(SINGLE), ...multi],
    campaign: single(CAMPAIGN),
    embedding: 64,
    hidden: [64, 64] as const,
    experts: 8,
    critics: 5,
  };
  return buildMetaHeac(config, randomInitial(createRng('bench')));
}

/** `count` random users with random labels, of one campaign. */
export function randomBatch(count: number, seed: string): LabelledBatch {
  const rng = createRng(seed);
  const ints = (shape: number[], bound: number): Tensor =>
    tensor(
      'int32',
      shape,
      Int32Array.from({ length: shape.reduce((p, d) => p * d, 1) }, () => rng.integer(bound)),
    );
  const feeds: Record<string, Tensor> = {};
  for (const [name, rows] of Object.entries(SINGLE)) feeds[`user.${name}`] = ints([count], rows);
  for (const [name, [rows, maxLength]] of Object.entries(MULTI)) {
    feeds[`user.${name}`] = ints([count, maxLength], rows);
    feeds[`user.${name}.length`] = ints([count], maxLength + 1);
  }
  for (const [name, rows] of Object.entries(CAMPAIGN)) feeds[`campaign.${name}`] = ints([1], rows);
  return { feeds, labels: Float32Array.from({ length: count }, () => (rng.uniform() < 0.1 ? 1 : 0)) };
}
