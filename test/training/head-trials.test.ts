/**
 * Trials that share one computation of a campaign's users match the online stage, and are comparable between
 * settings.
 */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HeadProgram, openHeadProgram, type Parameters } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { MetaHeacConfig } from '../../src/model/architectures/metaheac.ts';
import { writeModelFolder } from '../../src/model/folder.ts';
import { loadModel } from '../../src/model/load.ts';
import { type DescentSettings, linearParameters, parametersOf } from '../../src/model/manifest.ts';
import { bind } from '../../src/online/binding.ts';
import type { OnlineContext } from '../../src/online/online-context.ts';
import {
  type BoundRegression,
  type CampaignRegression,
  openBoundRegression,
} from '../../src/online/regression/bound-regression.ts';
import { openScorer } from '../../src/online/scoring/score.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import { withStack } from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { prepareTrials, startPreparedTrials } from '../../src/training/choices/head-trials.ts';
import { runTrial, type Trial } from '../../src/training/choices/trial.ts';
import { TrialCache } from '../../src/training/choices/trial-cache.ts';
import { createReach, reaches } from '../../src/training/history/reach.ts';
import { newFolder } from '../fixture/folders.ts';
import { tinyGraph, unversionedModel } from '../model/tiny-model.ts';
import { newRoot, CONFIG as PUBLISHED, populationOf, type User } from '../online/world.ts';

const PAST = { name: PAST_CAMPAIGNS, kind: 'multi', maxLength: 3, rows: 4 } as const;
const CONFIG: MetaHeacConfig = {
  ...PUBLISHED,
  user: [...PUBLISHED.user, PAST],
  pooling: 'root',
  heads: { latent: 3 },
};
const { companion: _, regression: REGRESSION, ...PLAIN } = DEFAULT_DESCENT;
/** The model's own settings; a run may go without the regression. */
const ADAPTATION: DescentSettings = { ...PLAIN, regression: REGRESSION };
const USERS = 200;
/** Those who are members: of them some like `tags 1`, as others do. */
const ONE = { few: 1, many: 1 };

const isMember = (i: number): boolean => i % 4 === 0;

/** All members are in the past campaign `past_campaigns 2`, nobody else is. */
function sampleUsers(): User[] {
  const rng = createRng('users');
  return Array.from({ length: USERS }, (_, i) => ({
    user_id: `user-${String(i).padStart(4, '0')}`,
    age: `age ${1 + rng.integer(4)}`,
    tags: [...(rng.uniform() < (isMember(i) ? 0.7 : 0.3) ? ['tags 1'] : []), `tags ${2 + rng.integer(4)}`],
    [PAST_CAMPAIGNS]: [
      ...(rng.uniform() < 0.5 ? [`${PAST_CAMPAIGNS} ${rng.integer(2) === 0 ? 1 : 3}`] : []),
      ...(isMember(i) ? [`${PAST_CAMPAIGNS} 2`] : []),
    ],
  }));
}

let root = '';
let context: OnlineContext;
let program: HeadProgram;

/** The members are the seeds, up to `count`; all others are ranked. */
function trialOf(id: string, count: number): Trial {
  const { directory } = context.population;
  const numberOf = (i: number) => directory.find(`user-${String(i).padStart(4, '0')}`);
  const all = Array.from({ length: USERS }, (_, i) => i);
  const seeds = all.filter(isMember).slice(0, count);
  const rest = all.filter((i) => !seeds.includes(i));
  return {
    id,
    features: { topic: 'topic 1', words: ['words 2'] },
    group: null,
    seeds: Int32Array.from(seeds, numberOf).sort(),
    evaluation: {
      users: Int32Array.from(rest, numberOf),
      labels: Uint8Array.from(rest, (i) => (isMember(i) ? 1 : 0)),
    },
  };
}

beforeAll(async () => {
  root = newRoot();
  const features = CONFIG.user.map(({ name, kind }) => ({ name, kind }));
  const population = await populationOf(root, sampleUsers(), features);
  const path = newFolder(root);
  const unversioned = await unversionedModel(tinyGraph(CONFIG, 'world'), CONFIG);
  const names = parametersOf(ADAPTATION);
  writeModelFolder(path, {
    ...unversioned,
    manifest: { ...unversioned.manifest, adaptation: ADAPTATION, adapted_parameters: names },
  });
  const model = await loadModel(path);
  program = await openHeadProgram(model.graph, linearParameters(ADAPTATION), {
    regression: HEADS.regression,
    scale: HEADS.scale,
  });
  const steps = { kind: 'gradient_descent' as const, steps: program, settings: PLAIN };
  const binding = bind(model.folder, population);
  const regression = await openBoundRegression({ model, population, binding });
  context = { model, population, binding, program: steps, regression };
});
afterAll(async () => {
  await program.close();
  await context.regression!.close();
  rmSync(root, { recursive: true, force: true });
});

const withCompanion = (from: DescentSettings): DescentSettings => ({
  ...from,
  companion: { strengths: { [HEADS.wide]: 0.1 }, weight: 1 },
});
/** All candidates are negatives of each step, so that sampling does not matter. */
const ALL_NEGATIVES: DescentSettings = {
  ...PLAIN,
  negatives_per_seed: 100,
  steps: { at_50_seeds: 100, exponent: 0, maximum: 100 },
};

const startHeadTrials = (own: OnlineContext, steps: HeadProgram, trials: readonly Trial[], key: string) =>
  startPreparedTrials(own, steps, prepareTrials(own.population, trials, key));

async function byHand(trial: Trial, settings: DescentSettings) {
  const scorer = await openScorer({ ...context.model, binding: context.binding });
  const own = { ...context, program: { kind: 'gradient_descent' as const, steps: program, settings } };
  const quality = await runTrial(own, scorer, trial, 'another key');
  await scorer.close();
  return quality;
}

describe('head trials', () => {
  it.each([
    ['as they are', ALL_NEGATIVES],
    ['without a first pass', { ...ALL_NEGATIVES, first_pass: null }],
    ['with an auxiliary logistic regression', withCompanion(ALL_NEGATIVES)],
    ['with a regression', { ...ALL_NEGATIVES, regression: REGRESSION }],
    ['with both', { ...withCompanion(ALL_NEGATIVES), regression: REGRESSION }],
  ])('evaluates seed sets as customise and a scorer do, with settings %s', async (_, settings) => {
    const trials = [10, 25].map((count) => trialOf('tomorrow', count));
    const qualities = await (await startHeadTrials(context, program, trials, 'k')).evaluate(settings);
    expect(qualities.length).toBe(2);
    for (const [i, trial] of trials.entries()) {
      const expected = await byHand(trial, settings);
      // sums in another order may swap two who are nearly alike
      expect(Math.abs(qualities[i]!.auc - expected.auc)).toBeLessThan(1e-3);
      expect(expected.auc).toBeGreaterThan(0.6);
    }
    expect(qualities[0]!.auc).not.toBe(qualities[1]!.auc);
  });

  it.each([
    ['as they are', ALL_NEGATIVES],
    ['with both', { ...withCompanion(ALL_NEGATIVES), regression: REGRESSION }],
  ])('compares seeds with users within reach, as customise does, with settings %s', async (_, settings) => {
    const whole = trialOf(`${PAST_CAMPAIGNS} 2`, 25);
    // all members, and those of the others who like what members like: compared with these, that is no reason
    const likers = new Set(
      sampleUsers().flatMap(({ user_id, tags }) => ((tags as string[]).includes('tags 1') ? [user_id] : [])),
    );
    const { directory } = context.population;
    const isReached = (user: number) => isMember(Number(directory.id(user).slice(5))) || likers.has(directory.id(user));
    const reach = createReach(USERS, isReached);
    const rows = Int32Array.from(whole.evaluation.users.keys()).filter((i) =>
      reaches(reach, whole.evaluation.users[i]!),
    );
    const evaluation = {
      users: rows.map((i) => whole.evaluation.users[i]!),
      labels: Uint8Array.from(rows, (i) => whole.evaluation.labels[i]!),
    };
    const trial = { ...whole, evaluation, reach };
    const [reached] = await (await startHeadTrials(context, program, [trial], 'k')).evaluate(settings);
    expect(Math.abs(reached!.auc - (await byHand(trial, settings)).auc)).toBeLessThan(1e-3);
    const [everyone] = await (await startHeadTrials(context, program, [{ ...whole, evaluation }], 'k')).evaluate(
      settings,
    );
    expect(Math.abs(reached!.auc - everyone!.auc)).toBeGreaterThan(0.05);
  });

  it('uses the same random numbers for all settings, whatever else was evaluated', async () => {
    const [few, many] = [trialOf('tomorrow', 10), trialOf('tomorrow', 25)];
    const trials = await startHeadTrials(context, program, [few, many], 'k');
    const first = await trials.evaluate(PLAIN);
    const other = await trials.evaluate(withCompanion(PLAIN));
    expect(other).not.toEqual(first);
    expect(await trials.evaluate(PLAIN)).toEqual(first);
    const alone = await startHeadTrials(context, program, [many], 'k');
    expect(await alone.evaluate(withCompanion(PLAIN))).toEqual(other.slice(1));
    // other settings with the same meaning: a logistic regression with hardly any weight
    const light = withCompanion(PLAIN);
    const [same] = await trials.evaluate({ ...light, companion: { ...light.companion!, weight: 1e-9 } });
    expect(Math.abs(same!.auc - first[0]!.auc)).toBeLessThan(1e-3);
    const elsewhere = await startHeadTrials(context, program, [few, many], 'another key');
    expect(await elsewhere.evaluate(PLAIN)).not.toEqual(first);
  });

  it('fits the regressions of all seed sets side by side, with the same bits as one after the other', async () => {
    const trials = [10, 25, 40].map((count) => trialOf('tomorrow', count));
    const settings = { ...PLAIN, regression: REGRESSION };
    const sizes: number[][] = [];
    const evaluate = async (change: (campaign: CampaignRegression) => Partial<CampaignRegression>) => {
      const regression: BoundRegression = {
        ...context.regression!,
        async forUsers(...users) {
          const campaign = await context.regression!.forUsers(...users);
          return { ...campaign, ...change(campaign) };
        },
      };
      const started = await startHeadTrials({ ...context, regression }, program, trials, 'k');
      return [await started.evaluate(settings), await started.logits(settings)];
    };
    const together = await evaluate(({ prepare }) => ({
      prepare(sets, wanted) {
        sizes.push(sets.map(({ positives }) => positives.length));
        prepare(sets, wanted);
      },
    }));
    expect(sizes[0]).toEqual([10, 25, 40]);
    expect(await evaluate(() => ({ prepare() {} }))).toEqual(together);
  });

  it("removes the campaign's own token, which would reveal the members", async () => {
    const evaluate = async (id: string) => {
      const trials = await startHeadTrials(context, program, [trialOf(id, 25)], 'k');
      return (await trials.evaluate(PLAIN))[0]!.auc;
    };
    // a campaign of another name sees the token
    expect(await evaluate('tomorrow')).toBeGreaterThan(0.95);
    const own = await evaluate(`${PAST_CAMPAIGNS} 2`);
    expect(own).toBeLessThan(0.85);
    expect(own).toBeGreaterThan(0.5);
    expect(Math.abs(own - (await byHand(trialOf(`${PAST_CAMPAIGNS} 2`, 25), PLAIN)).auc)).toBeLessThan(0.05);
  });

  it("starts from the context's parameters if it has some", async () => {
    const parameters = tinyGraph(CONFIG, 'other').initializers;
    const trials = [trialOf(`${PAST_CAMPAIGNS} 2`, 10)];
    const [own] = await (await startHeadTrials({ ...context, parameters }, program, trials, 'k')).evaluate(PLAIN);
    const [usual] = await (await startHeadTrials(context, program, trials, 'k')).evaluate(PLAIN);
    expect(own!.auc).not.toBe(usual!.auc);
  });
});

describe('logits', () => {
  it('are zero for parts that tell nothing, as in a blend', async () => {
    // all have one query: the bias and the query say the same of everyone, up to rounding
    const trials = [trialOf('tomorrow', 25)];
    const settings = withStack(PLAIN, [{ kind: 'logistic', strengths: { [HEADS.bias]: 1 } }], [ONE, ONE]);
    const [own] = await (await startHeadTrials(context, program, trials, 'k')).logits(settings);
    expect(own!.columns[1]).toEqual(new Float32Array(own!.labels.length));
    expect(Math.max(...own!.columns[0]!)).toBeGreaterThan(0.5);
  });
});

describe('TrialCache', () => {
  const SETTINGS: DescentSettings = { ...withCompanion(PLAIN), regression: REGRESSION };

  /** Rounds of trials, with a count of how often users were computed, and read for the regression. */
  function rounds(mostRows?: number, width?: number) {
    const counts = { computed: 0, read: 0 };
    const fitted: Int32Array[] = [];
    const counting: HeadProgram = {
      ...program,
      boundary(...users) {
        counts.computed++;
        return program.boundary(...users);
      },
    };
    const regression = context.regression!;
    const own: OnlineContext = {
      ...context,
      regression: {
        ...regression,
        width: width ?? regression.width,
        async forUsers(...users) {
          counts.read++;
          const made = await regression.forUsers(...users);
          return {
            prepare(sets, settings) {
              fitted.push(...sets.map(({ positives }) => positives));
              made.prepare(sets, settings);
            },
            fit(positives, ...more) {
              fitted.push(positives);
              return made.fit(positives, ...more);
            },
          };
        },
      },
    };
    const cache = new TrialCache(context.population, mostRows);
    const play = async (parameters: Parameters, id = 'tomorrow', stage = 'first') => {
      const trials = [10, 25].map((count) => trialOf(id, count));
      const campaign = { trials, stage, key: `key/${id}`, future: [], settings: [SETTINGS] };
      const start = await cache.start(parameters, campaign, (prepared) =>
        startPreparedTrials({ ...own, parameters }, counting, prepared),
      );
      return start.evaluate(SETTINGS);
    };
    return { counts, fitted, cache, play };
  }

  const alone = async (parameters: Parameters, id = 'tomorrow') => {
    const trials = [10, 25].map((count) => trialOf(id, count));
    return (await startHeadTrials({ ...context, parameters }, program, trials, `key/${id}`)).evaluate(SETTINGS);
  };
  const parametersTimes = (factor: number): Parameters =>
    new Map(
      [...context.model.graph.initializers].map(([name, value]) => [
        name,
        value.dtype === 'float32' ? { ...value, data: (value.data as Float32Array).map((x) => factor * x) } : value,
      ]),
    );

  it('computes users once per parameters, and reads them for the regression only once', async () => {
    const { counts, cache, play } = rounds();
    const [before, after] = [parametersTimes(1), parametersTimes(2)];
    const expected = [await alone(before), await alone(after), await alone(after, 'another')];
    expect(expected[0]).not.toEqual(expected[1]);
    expect([await play(before), await play(before)]).toEqual([expected[0], expected[0]]);
    expect(counts).toEqual({ computed: 1, read: 1 });
    expect([await play(after), await play(after)]).toEqual([expected[1], expected[1]]);
    expect(counts).toEqual({ computed: 2, read: 1 });
    cache.forgetParameters();
    expect([await play(after), await play(after, 'another')]).toEqual(expected.slice(1));
    expect(counts).toEqual({ computed: 4, read: 2 });
  });

  it('caches no fits of a wide regression, and finds the same', async () => {
    const parameters = parametersTimes(1);
    const [narrow, wide] = [rounds(USERS, 100_000), rounds(USERS, 100_001)];
    const expected = await alone(parameters);
    for (const { play } of [narrow, wide]) for (let i = 0; i < 2; i++) expect(await play(parameters)).toEqual(expected);
    expect(new Set(narrow.fitted).size).toBe(2);
    // a regression keeps its fits by positives: these are nobody else's, and not prepared
    expect([new Set(wide.fitted).size, wide.fitted.length]).toEqual([4, 4]);
    expect(await wide.play(parametersTimes(2))).not.toEqual(expected);
    expect([narrow.counts.read, wide.counts.read]).toEqual([1, 2]);
  });

  it('caches the trials of one stage, and no more rows than the limit', async () => {
    const parameters = parametersTimes(1);
    const { counts, play } = rounds(USERS);
    await play(parameters);
    await play(parameters, 'another');
    expect(await play(parameters, 'another')).toEqual(await alone(parameters, 'another'));
    await play(parameters);
    expect(counts.computed).toBe(3);
    await play(parameters, 'another', 'second');
    await play(parameters, 'another', 'second');
    expect(counts.computed).toBe(4);
    await play(parameters, 'tomorrow', 'first');
    expect(counts.computed).toBe(5);
  });
});
