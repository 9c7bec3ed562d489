/**
 * Before a model is accepted, adapts it to a generated campaign for two epochs. Losses and scores must be finite, and
 * parameters must change.
 */

import {
  type AdaptationProgram,
  allFinite,
  type Feeds,
  type Graph,
  GraphError,
  type LabelledBatch,
  type Parameters,
} from '../../../packages/onnx-grad/index.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import type { Rng } from '../../lib/rng.ts';
import { firstNaN, paddingHint, zeroRoot } from '../find-nan.ts';
import { refused } from '../folder.ts';
import { randomFeeds } from '../interface.ts';
import type { AdamSettings, Manifest } from '../manifest.ts';
import { appErrorOf } from '../onnx-grad.ts';

const EPOCHS = 2;
const BATCHES = 2;
const ROWS = 32;
/** Every fourth user is a seed. */
const SEED_EVERY = 4;

export interface DryRun {
  /** The loss before each step. */
  readonly losses: readonly number[];
  readonly users: number;
  /** Adapted parameters that no step changed. */
  readonly unmoved: readonly string[];
}

/**
 * Adapts a model to a random campaign at the given rate. Any failure causes an `invalid_model` error; `path` names the
 * model.
 */
export async function dryRun(
  path: string,
  graph: Graph,
  program: AdaptationProgram,
  manifest: Pick<Manifest, 'features'> & { readonly adaptation: AdamSettings },
  rng: Rng,
): Promise<DryRun> {
  const batches = Array.from({ length: BATCHES }, (): LabelledBatch => {
    const labels = Float32Array.from({ length: ROWS }, (_, row) => (row % SEED_EVERY === 0 ? 1 : 0));
    return { feeds: randomFeeds(graph, manifest.features, ROWS, rng), labels };
  });
  const losses: number[] = [];
  let after: Parameters;
  try {
    const run = await program.start(
      graph.initializers,
      batches,
      batches.map(({ feeds }) => feeds),
    );
    const check = async (parameters: Parameters) => {
      const adapted = { ...graph, initializers: new Map([...graph.initializers, ...parameters]) };
      for (const [i, { feeds }] of batches.entries())
        await checkScores(path, { graph: adapted, features: manifest.features, feeds }, await run.scores(i));
    };
    await check(new Map());
    for (let step = 0; step < EPOCHS * BATCHES && losses.every(Number.isFinite); step++)
      losses.push(await run.step(step % BATCHES, manifest.adaptation.rate));
    after = run.parameters();
    for (const [name, value] of after)
      if (!allFinite(value))
        throw refused(
          path,
          `in a dry run, parameter "${name}" becomes NaN or infinite${await zeroRoot(graph, batches[0]!.feeds)}`,
        );
    await check(after);
    if (!losses.every(Number.isFinite))
      throw refused(
        path,
        `the loss in step ${losses.length} of a dry run is ${losses.at(-1)}; a finite number is expected`,
      );
  } catch (error) {
    throw refusalOf(path, graph, error);
  }
  const unmoved = [...after].flatMap(([name, { data }]) =>
    graph.initializers.get(name)!.data.every((x, i) => x === data[i]) ? [name] : [],
  );
  if (unmoved.length === after.size)
    throw refused(path, 'the dry run changed no parameters: the score does not depend on them (is it saturated?)');
  return { losses, users: BATCHES * ROWS, unmoved };
}

/**
 * Throws unless there is one score per user of `feeds` and none of them is NaN. `graph` is the model that computed
 * them.
 */
export async function checkScores(
  path: string,
  { graph, features, feeds }: { readonly graph: Graph; readonly feeds: Feeds } & Pick<Manifest, 'features'>,
  scores: Float32Array,
): Promise<void> {
  const rows = Object.entries(feeds).find(([name]) => name.startsWith('user.'))![1].shape[0]!;
  if (scores.length !== rows) throw refused(path, `the model gives ${scores.length} scores for ${rows} users`);
  for (const [i, score] of scores.entries()) {
    if (Number.isNaN(score))
      throw refused(
        path,
        `the score of random user ${i} is NaN${await firstNaN(graph, feeds)}${paddingHint(features, feeds, i)}`,
      );
  }
}

/** The error for a model that cannot score: ONNX Runtime's message and the most common cause. */
export function refusalOf(path: string, graph: Graph, error: unknown): unknown {
  const known = error instanceof GraphError ? error : appErrorOf(error);
  if (known instanceof AppError) return known;
  const users = new Set(batchNames(graph, 'user.'));
  const campaigns = batchNames(graph, 'campaign.').filter((dim) => !users.has(dim));
  const several = users.size > 1 || campaigns.length > 0;
  const hint = several
    ? `. The batch dimensions of its inputs have different names (${[...users, ...campaigns].join(', ')}); ` +
      'user inputs, and campaign inputs repeated for each user, must share one: in PyTorch ' +
      'dynamic_axes={"user.age": {0: "batch"}, ..}'
    : '';
  return refused(path, `the model cannot score random users: ${messageOf(error)}${hint}`, error);
}

function batchNames(graph: Graph, prefix: string): string[] {
  const dims = graph.inputs.filter((name) => name.startsWith(prefix)).map((name) => graph.values.get(name)!.shape[0]);
  return [...new Set(dims)].filter((dim) => typeof dim === 'string');
}
