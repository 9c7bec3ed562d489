/**
 * Scoring, from a population's segments to ranking folders, in two threads: compared with the matrix products alone and
 * PyTorch, and one campaign compared with many.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ThreadGroup } from '../../src/lib/threads/thread-group.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import type { CampaignValues } from '../../src/online/encode.ts';
import { SEGMENT_ROWS } from '../../src/population/read/segments.ts';
import { LARGE_CAMPAIGN, writeLargeModel, writeLargePopulation } from './large-model.ts';
import { peerWay } from './peer.ts';
import { type BenchOptions, type BenchReport, figure, figures, interleave, ratio, ratios, seconds } from './report.ts';
import { openScoringRig } from './scoring-rig.ts';
import { DEMO_MODEL, makePopulation, withFolder } from './service.ts';

// an even number of segments keeps both threads busy
const SIZES = {
  full: { large: 4 * SEGMENT_ROWS, small: 4 * SEGMENT_ROWS, products: 512, rounds: 3 },
  quick: { large: 2 * SEGMENT_ROWS, small: 2 * SEGMENT_ROWS, products: 128, rounds: 1 },
};
const THREADS = 2;
/** Products are distributed in parts, so that no thread waits long for the other. */
const PRODUCTS_AT_ONCE = 16;
const MATMUL_ROWS = 512;
const QUEUED = 20;
const DEMO_FOLDER = readModelFolder(DEMO_MODEL);

export async function benchScoring(options: BenchOptions): Promise<BenchReport> {
  const large = await withFolder((folder) => benchLarge(folder, options));
  const shared = await withFolder((folder) => benchShared(folder, options));
  const userSide = await withFolder((folder) => benchUserSide(folder, options));
  return {
    results: { ...large.results, ...shared.results, ...userSide.results },
    ratios: { ...large.ratios, ...shared.ratios, ...userSide.ratios },
  };
}

/** Users per second at the Tencent sizes. */
async function benchLarge(folder: string, options: BenchOptions): Promise<BenchReport> {
  const { large: users, products, rounds } = options.quick ? SIZES.quick : SIZES.full;
  options.note(`making a model of 22 million parameters and a population of ${users.toLocaleString('en')} users`);
  const model = join(folder, 'model');
  await writeLargeModel(model);
  const population = await writeLargePopulation(folder, users);
  const out = join(folder, 'rankings');
  mkdirSync(out);
  const rig = await openScoringRig({ model, population, featuresOf: () => LARGE_CAMPAIGN, threads: THREADS, out });
  const limit = await ThreadGroup.open<number, null>(
    { beside: import.meta.url, name: 'matmul-thread', data: { rows: MATMUL_ROWS } },
    THREADS,
  );
  try {
    const parts = new Array<number>(products / PRODUCTS_AT_ONCE).fill(PRODUCTS_AT_ONCE);
    const { ours, matmuls, torch } = await interleave(rounds, {
      ours: async () => users / (await seconds(() => rig.score(1))),
      matmuls: async () => (products * MATMUL_ROWS) / (await seconds(() => limit.runAll(parts))),
      torch: peerWay(options, ({ usersPerSecond }) => usersPerSecond),
    });
    return {
      results: figures({ 'users, k = 64': ours, 'the MatMuls alone': matmuls, PyTorch: torch }, 'users/s'),
      ratios: ratios({ vs_matmul_limit: [ours, matmuls], vs_torch: [ours, torch] }),
    };
  } finally {
    await rig.close();
    await limit.close();
  }
}

/** The cost of a queue of campaigns compared with one campaign, with the demo's model (k = 16). */
async function benchShared(folder: string, { quick, note }: BenchOptions): Promise<BenchReport> {
  const { small: users, rounds } = quick ? SIZES.quick : SIZES.full;
  note(`making a population of ${users.toLocaleString('en')} people`);
  const population = await makePopulation(folder, users);
  const out = join(folder, 'rankings');
  mkdirSync(out);
  const rig = await openScoringRig({ model: DEMO_MODEL, population, featuresOf: () => ({}), threads: THREADS, out });
  try {
    const { one, many } = await interleave(rounds, {
      one: () => seconds(() => rig.score(1)),
      many: () => seconds(() => rig.score(QUEUED)),
    });
    return {
      results: {
        'users, k = 16': figure(
          one.map((time) => users / time),
          'users/s',
        ),
        'one campaign, k = 16': figure(one, 's'),
        [`${QUEUED} campaigns, k = 16`]: figure(many, 's'),
      },
      ratios: { shared_pass: ratio(many, one) },
    };
  } finally {
    await rig.close();
  }
}

/** Stored user sides compared with the whole graph, with the demo's model and campaigns of their own features. */
async function benchUserSide(folder: string, { quick, note }: BenchOptions): Promise<BenchReport> {
  const { small: users, rounds } = quick ? SIZES.quick : SIZES.full;
  note(`making a population of ${users.toLocaleString('en')} people`);
  const population = await makePopulation(folder, users);
  const out = join(folder, 'rankings');
  mkdirSync(out);
  const rigOf = (userSides: boolean) =>
    openScoringRig({ model: DEMO_MODEL, population, featuresOf: ownFeatures, threads: THREADS, out, userSides });
  const [graph, sides] = [await rigOf(false), await rigOf(true)];
  try {
    const { make, one, stored, ranked, queued } = await interleave(rounds, {
      make: () => {
        sides.removeUserSides();
        return seconds(() => sides.makeUserSides());
      },
      one: () => seconds(() => graph.scoreAlone()),
      stored: () => seconds(() => sides.scoreAlone()),
      ranked: () => seconds(() => graph.score(1)),
      queued: () => seconds(() => sides.score(QUEUED)),
    });
    return {
      results: {
        'whole graph': figure(perSecond(users, one), 'users/s'),
        'stored user sides': figure(perSecond(users, stored), 'users/s'),
        'making user sides': figure(perSecond(users, make), 'users/s'),
        'one ranking, whole graph': figure(ranked, 's'),
        [`${QUEUED} rankings, stored user sides`]: figure(queued, 's'),
      },
      ratios: {
        user_side_vs_graph: ratio(one, stored),
        make_vs_scoring: ratio(make, one),
        queue_vs_one_graph: ratio(queued, ranked),
      },
    };
  } finally {
    await graph.close();
    await sides.close();
  }
}

/** Features that each campaign has alone. */
function ownFeatures(campaign: number): CampaignValues {
  const vocabulary = DEMO_FOLDER.vocabularies.get('campaign.brand')!;
  return { brand: vocabulary.tokens[campaign % vocabulary.tokens.length]! };
}

const perSecond = (users: number, times: readonly number[]): number[] => times.map((time) => users / time);
