/** The required inputs and output of a model file, and random batches for them. */
import { type Graph, type Tensor, tensor, typeText } from '../graph/index.ts';
import type { Rng } from '../lib/rng.ts';
import type { Feeds } from '../runtime/session.ts';
import { MODEL_FILE, refused } from './folder.ts';
import type { Manifest, ManifestFeature } from './manifest.ts';

export type Side = 'user' | 'campaign';
export const SIDES: readonly Side[] = ['user', 'campaign'];

interface FeatureInput {
  readonly name: string;
  readonly rank: number;
  /** The maximum number of tokens in a list, for its ids. */
  readonly width?: number;
}

/** The names and shapes of a feature's inputs. */
export function inputsOf(side: Side, feature: ManifestFeature): FeatureInput[] {
  const name = `${side}.${feature.name}`;
  return feature.kind === 'single'
    ? [{ name, rank: 1 }]
    : [
        { name, rank: 2, width: feature.max_length! },
        { name: `${name}.length`, rank: 1 },
      ];
}

/**
 * Checks inputs and output of `graph` against the features that the manifest of a folder, or the schema of an import,
 * describes; `path` names the model in a refusal (invalid_model).
 */
export function checkInterface(
  path: string,
  features: Manifest['features'],
  graph: Graph,
  source: 'manifest' | 'schema' = 'manifest',
): void {
  const subject = source === 'manifest' ? MODEL_FILE : 'it';
  const hint = source === 'manifest' ? '' : ' (exporters leave out what a model does not use)';
  const convention =
    source === 'manifest'
      ? ''
      : ': inputs are called user.<feature> or campaign.<feature>, lengths of lists user.<feature>.length';
  const wanted = SIDES.flatMap((side) => features[side].flatMap((feature) => inputsOf(side, feature)));
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of graph.inputs)
    if (!names.has(name))
      throw refused(path, `${subject} has an input "${name}" that belongs to no feature of the ${source}${convention}`);
  for (const { name, rank, width } of wanted) {
    if (!graph.inputs.includes(name)) throw refused(path, `${subject} has no input "${name}"${hint}`);
    const value = graph.values.get(name)!;
    const [batch] = value.shape;
    const isCampaign = name.startsWith('campaign.');
    const isIds = value.dtype === 'int32' || value.dtype === 'int64';
    // a fixed batch size would fit the golden batch and nothing else
    const isAnySize = typeof batch === 'string' || (isCampaign && batch === 1);
    const isWidth = width === undefined || typeof value.shape[1] !== 'number' || value.shape[1] === width;
    if (!isIds || value.shape.length !== rank || !isAnySize || !isWidth) {
      const shapes = (isCampaign ? [1, 'batch'] : ['batch']).map((dim) => `[${[dim, width ?? []].flat().join(', ')}]`);
      throw refused(path, `input "${name}" is ${typeText(value)}, not int32 or int64 of ${shapes.join(' or ')}`);
    }
  }
  checkScore(path, graph);
}

function checkScore(path: string, graph: Graph): void {
  const [output] = graph.outputs;
  const score = output === undefined ? undefined : graph.values.get(output);
  if (
    output === 'score' &&
    score?.dtype === 'float32' &&
    score.shape.length === 1 &&
    typeof score.shape[0] === 'string'
  )
    return;
  const isDouble = output === 'score' && score?.dtype === 'float64';
  throw refused(
    path,
    `its first output is ${score ? `"${output}" ${typeText(score)}` : 'missing'}, not "score" ` +
      `float32[batch]${isDouble ? ': cast the model before the export (in PyTorch: model.float())' : ''}`,
  );
}

/** Rows of `input` in a batch of `rows` users: one for a campaign input that does not share the users' dimension. */
function rowsOfInput(graph: Graph, input: string, rows: number): number {
  if (!input.startsWith('campaign.')) return rows;
  const user = graph.inputs.find((name) => name.startsWith('user.'));
  const batch = user === undefined ? undefined : graph.values.get(user)!.shape[0];
  return typeof batch === 'string' && graph.values.get(input)!.shape[0] === batch ? rows : 1;
}

/**
 * `rows` users with random tokens and one campaign, as the service would feed them: ids below each vocabulary's size,
 * lists of random lengths, padded with 0. All features of the first user are unknown; the second has the highest ids.
 */
export function randomFeeds(graph: Graph, features: Manifest['features'], rows: number, rng: Rng): Feeds {
  const feeds: Record<string, Tensor> = {};
  const set = (name: string, shape: readonly number[], values: ArrayLike<number>) => {
    feeds[name] = tensor(graph.values.get(name)!.dtype, shape, values);
  };
  for (const side of SIDES) {
    for (const { name, kind, vocabulary_size, max_length: width = 1 } of features[side]) {
      const input = `${side}.${name}`;
      const count = rowsOfInput(graph, input, rows);
      const draws = side === 'user' ? count : 1;
      const ids = new Int32Array(count * width);
      const lengths = new Int32Array(count);
      for (let row = 0; row < count; row++) {
        const length = kind === 'single' ? 1 : rng.integer(width + 1);
        lengths[row] = side === 'user' && row === 0 ? 0 : side === 'user' && row === 1 ? width : length;
        for (let i = 0; i < lengths[row]!; i++)
          ids[row * width + i] = side === 'user' && row === 1 ? vocabulary_size - 1 : rng.integer(vocabulary_size);
      }
      // every row of a campaign input is the same campaign
      for (let row = draws; row < count; row++) {
        ids.copyWithin(row * width, 0, width);
        lengths[row] = lengths[0]!;
      }
      set(input, kind === 'single' ? [count] : [count, width], ids);
      if (kind === 'multi') set(`${input}.length`, [count], lengths);
    }
  }
  return feeds;
}
