/** Unusual seed sets: results are still numbers, and audiences are no worse than random ones. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng, sampleWithoutReplacement } from '../../src/lib/rng.ts';
import type { MetaHeacConfig } from '../../src/model/architectures/metaheac.ts';
import { writeModelFolder } from '../../src/model/folder.ts';
import { loadModel } from '../../src/model/load.ts';
import { parametersOf } from '../../src/model/manifest.ts';
import { bind } from '../../src/online/binding.ts';
import { customise } from '../../src/online/customise.ts';
import type { CampaignValues } from '../../src/online/encode.ts';
import { type CustomisedModel, type OnlineContext, openOnlineProgram } from '../../src/online/online-context.ts';
import { openBoundRegression } from '../../src/online/regression/bound-regression.ts';
import { openScorer, type Scorer } from '../../src/online/scoring/score.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { othersThan } from '../../src/training/choices/trial.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { newFolder } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';
import { tinyGraph, unversionedModel } from '../model/tiny-model.ts';
import { newRoot, CONFIG as PUBLISHED, populationOf, type User } from './world.ts';

const CONFIG: MetaHeacConfig = { ...PUBLISHED, pooling: 'root', heads: { latent: 3 } };

const ALIKE = 40;
/** Every fifth is a fan: there are a fifth more than MOST_SEEDS. */
const USERS = size(12_000, 60_000);
const MOST_SEEDS = size(2_000, 10_000);

interface World {
  readonly context: OnlineContext;
  readonly scorer: Scorer;
  /** Rows of those who like `tags 1`. */
  readonly fans: Int32Array;
}

let root = '';
let large: World;
let hundred: World;

/** Every fifth likes `tags 1`; the first of these are identical. */
async function worldOf(count: number): Promise<World> {
  const rng = createRng(`users/${count}`);
  const users = Array.from({ length: count }, (_, i): User => {
    const user_id = `user-${String(i).padStart(6, '0')}`;
    if (i % 5 === 0 && i < 5 * ALIKE) return { user_id, age: 'age 1', tags: ['tags 1', 'tags 2'] };
    const tags = [...(i % 5 === 0 ? ['tags 1'] : []), `tags ${2 + rng.integer(4)}`];
    return { user_id, age: `age ${1 + rng.integer(4)}`, tags };
  });
  const population = await populationOf(root, users);
  const path = newFolder(root);
  const unversioned = await unversionedModel(tinyGraph(CONFIG, 'world'), CONFIG);
  const manifest = {
    ...unversioned.manifest,
    adaptation: DEFAULT_DESCENT,
    adapted_parameters: parametersOf(DEFAULT_DESCENT),
  };
  writeModelFolder(path, { ...unversioned, manifest });
  const model = await loadModel(path);
  const binding = bind(model.folder, population);
  const isFan = (row: number) =>
    Number(population.directory.id(population.readRows(Int32Array.of(row)).userNumbers[0]!).slice(5)) % 5 === 0;
  return {
    context: {
      ...{ model, population, binding },
      program: await openOnlineProgram(model),
      regression: await openBoundRegression({ model, population, binding }),
    },
    scorer: await openScorer({ ...model, binding }),
    fans: othersThan(population, new Int32Array(0)).filter(isFan),
  };
}

beforeAll(async () => {
  root = newRoot();
  large = await worldOf(USERS);
  hundred = await worldOf(100);
}, 60_000);
afterAll(async () => {
  for (const { context, scorer } of [large, hundred]) {
    await context.program.steps.close();
    await context.regression!.close();
    await scorer.close();
  }
  rmSync(root, { recursive: true, force: true });
});

const FEATURES: CampaignValues = { topic: 'topic 1', words: ['words 2'] };

/**
 * Customises, checks that all results are numbers, and measures the fans who are not seeds among everybody else (a
 * sample of the large world).
 */
async function expand(
  { context, scorer, fans }: World,
  seeds: Int32Array,
  features = FEATURES,
): Promise<CustomisedModel & { readonly auc: number }> {
  const candidates = othersThan(context.population, seeds);
  const customised = await customise(context, { key: 'odd', features, seeds, candidates });
  for (const { data } of customised.parameters.values())
    expect((data as Float32Array).every((x) => Number.isFinite(x))).toBe(true);
  for (const { mean, low, high } of Object.values(customised.prediction!.recall)) {
    expect(low).toBeLessThanOrEqual(mean);
    expect(mean).toBeLessThanOrEqual(high);
  }
  const rows = candidates.filter((_, i) => i % Math.ceil(candidates.length / 4000) === 0);
  const { parameters } = customised;
  const scores = await scorer.score(context.population.readRows(rows), { features, parameters });
  expect(scores.every((x) => x >= 0 && x <= 1)).toBe(true);
  const fan = new Set(fans);
  const labels = Uint8Array.from(rows, (row) => (fan.has(row) ? 1 : 0));
  return { ...customised, auc: measureRanking(rows, scores, labels).auc };
}

const someOf = (rows: Int32Array, count: number, key = 'some'): Int32Array =>
  sampleWithoutReplacement(createRng(key), rows.length, count)
    .map((i) => rows[i]!)
    .sort();

describe('an expansion', () => {
  it('of 10 seeds is better than a random one', async () => {
    const { auc, prediction } = await expand(large, someOf(large.fans, 10));
    expect(auc).toBeGreaterThan(0.8);
    expect(prediction!.verdict).toMatch(/^(good|unsure)$/);
  });

  it(`of ${MOST_SEEDS} seeds takes seconds, and is as good as one of 1,000`, async () => {
    const thousand = await expand(large, someOf(large.fans, 1000));
    const { auc, prediction } = await expand(large, someOf(large.fans, MOST_SEEDS));
    expect(auc).toBeGreaterThan(thousand.auc - 0.02);
    expect(prediction!.verdict).toBe('good');
  });

  it('of identical seeds finds more of their kind', async () => {
    const alike = large.fans.slice(0, ALIKE);
    expect((await expand(large, alike)).auc).toBeGreaterThan(0.7);
  });

  it('of random users is no worse than a random one, and the verdict says so', async () => {
    for (const count of [50, 500]) {
      const all = othersThan(large.context.population, new Int32Array(0));
      const { auc, prediction } = await expand(large, someOf(all, count, `lot/${count}`));
      expect(Math.abs(auc - 0.5)).toBeLessThan(0.3);
      expect(prediction!).toMatchObject({ verdict: 'weak', reason: expect.stringContaining('look like everyone') });
    }
  });

  it('of a campaign without features works', async () => {
    expect((await expand(large, someOf(large.fans, 50), {})).auc).toBeGreaterThan(0.9);
  });

  it.each([1, 5, 15])('of %i seeds in a population of 100 works', async (count) => {
    const { auc, prediction } = await expand(hundred, hundred.fans.slice(0, count));
    expect(auc).toBeGreaterThan(count === 1 ? 0.4 : 0.6);
    if (count === 1) expect(prediction!.verdict).toBe('unsure');
  });

  it('of nearly everybody works', async () => {
    const all = othersThan(hundred.context.population, new Int32Array(0));
    const left = new Set([...hundred.fans.slice(0, 2), all.find((row) => !hundred.fans.includes(row))!]);
    expect(
      (
        await expand(
          hundred,
          all.filter((row) => !left.has(row)),
        )
      ).auc,
    ).toBeGreaterThanOrEqual(0);
  });
});
