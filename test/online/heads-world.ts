/** Users with past campaigns, and a model whose heads are adapted by gradient descent. */

import type { Tensor } from '../../packages/onnx-grad/index.ts';
import { assert } from '../../src/lib/errors.ts';
import { createRng } from '../../src/lib/rng.ts';
import type { MetaHeacConfig } from '../../src/model/architectures/metaheac.ts';
import { writeModelFolder } from '../../src/model/folder.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { type DescentSettings, parametersOf } from '../../src/model/manifest.ts';
import { bind } from '../../src/online/binding.ts';
import { adaptHeads, startHeads } from '../../src/online/customise-heads.ts';
import { type CustomiseRequest, type OnlineContext, openOnlineProgram } from '../../src/online/online-context.ts';
import { openBoundRegression } from '../../src/online/regression/bound-regression.ts';
import { openScorer } from '../../src/online/scoring/score.ts';
import { PAST_CAMPAIGNS, type Population } from '../../src/population/read.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { newFolder } from '../fixture/folders.ts';
import { tinyGraph, unversionedModel } from '../model/tiny-model.ts';
import { CONFIG as PUBLISHED, populationOf, type User } from './world.ts';

const PAST = { name: PAST_CAMPAIGNS, kind: 'multi', maxLength: 3, rows: 4 } as const;

/**
 * As in `world.ts`, with `past_campaigns 1` .. `3`. The rows of tables: 0 .. 4 ages, 5 .. 10 tags, 11 .. 14 past
 * campaigns.
 */
export const HEADS_CONFIG: MetaHeacConfig = {
  ...PUBLISHED,
  user: [...PUBLISHED.user, PAST],
  pooling: 'root',
  heads: { latent: 3 },
};

/** Every third likes `tags 1`; each is in one or two of the campaigns `past_campaigns 1` .. `5`. */
export function sampleHeadsUsers(count: number): User[] {
  const rng = createRng('users');
  return Array.from({ length: count }, (_, i) => ({
    user_id: `user-${String(i).padStart(4, '0')}`,
    age: `age ${1 + rng.integer(4)}`,
    tags: [...(i % 3 === 0 ? ['tags 1'] : []), `tags ${2 + rng.integer(4)}`],
    [PAST_CAMPAIGNS]: [`${PAST_CAMPAIGNS} ${1 + rng.integer(3)}`, `${PAST_CAMPAIGNS} ${1 + rng.integer(5)}`],
  }));
}

export function headsPopulation(root: string, users: readonly User[]): Promise<Population> {
  return populationOf(
    root,
    users,
    HEADS_CONFIG.user.map(({ name, kind }) => ({ name, kind })),
  );
}

/** Adapted as by default except for `settings`; without a regression unless they have one. */
export async function headsModel(root: string, settings: Partial<DescentSettings> = {}): Promise<GeneralModel> {
  const path = newFolder(root);
  const unversioned = await unversionedModel(tinyGraph(HEADS_CONFIG, 'world'), HEADS_CONFIG);
  const adaptation: DescentSettings = { ...DEFAULT_DESCENT, regression: undefined, ...settings };
  writeModelFolder(path, {
    ...unversioned,
    manifest: { ...unversioned.manifest, adaptation, adapted_parameters: parametersOf(adaptation) },
  });
  return loadModel(path);
}

export async function headsContext(
  root: string,
  users: readonly User[],
  settings: Partial<DescentSettings> = {},
): Promise<OnlineContext> {
  const population = await headsPopulation(root, users);
  const model = await headsModel(root, settings);
  const binding = bind(model.folder, population);
  const regression = await openBoundRegression({ model, population, binding });
  return { model, population, binding, program: await openOnlineProgram(model), regression };
}

export async function closeContext({ program, regression }: OnlineContext): Promise<void> {
  await program.steps.close();
  await regression?.close();
}

/** Rows of `splitRows`: fans who are not seeds are candidates too. */
export function requestFor(
  { fans, others }: { readonly fans: Int32Array; readonly others: Int32Array },
  seeds: Int32Array,
  key = 'k',
): CustomiseRequest {
  return {
    key,
    features: { topic: 'topic 1', words: ['words 2'] },
    seeds,
    candidates: Int32Array.from([...fans.filter((row) => !seeds.includes(row)), ...others]).sort(),
  };
}

/** The run's scores of seeds and candidates, and those of the parameters that it exports. */
export async function scoresBothWays(
  context: OnlineContext,
  { seeds, candidates, features }: CustomiseRequest,
): Promise<{ scores: Float32Array; exported: Float32Array; parameters: Map<string, Tensor> }> {
  const { program, population, model, binding } = context;
  assert(program.kind === 'gradient_descent', 'the model has heads');
  const rows = Int32Array.from([...seeds, ...candidates]);
  const positives = Int32Array.from(seeds.keys());
  const pool = Int32Array.from(candidates, (_, i) => seeds.length + i);
  const started = await startHeads(context, program.steps, rows, { features });
  const scores = await adaptHeads(started, program.settings, { positives, pool }, createRng('k'));
  const scorer = await openScorer({ ...model, binding });
  const parameters = started.run.parameters();
  const exported = await scorer.score(population.readRows(rows), { features, parameters });
  await scorer.close();
  return { scores, exported, parameters };
}

/** AUC of the fans among all users who are not seeds. */
export async function fansAuc(
  context: OnlineContext,
  fans: Int32Array,
  { seeds, features, candidates }: CustomiseRequest,
  parameters: OnlineContext['parameters'],
): Promise<number> {
  const scorer = await openScorer({ ...context.model, binding: context.binding });
  const rows = context.population.readRows(candidates);
  const scores = await scorer.score(rows, { features, parameters: parameters! });
  await scorer.close();
  const labels = Uint8Array.from(candidates, (row) => (fans.includes(row) && !seeds.includes(row) ? 1 : 0));
  return measureRanking(candidates, scores, labels).auc;
}
