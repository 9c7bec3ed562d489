/** The inputs and the output that a model file must have, and random batches for them. */
import { type Feeds, type Graph, numbersOf, type Tensor, tensor, typeText } from '../../packages/onnx-grad/index.ts';
import type { Rng } from '../lib/rng.ts';
import { MODEL_FILE, refused } from './folder.ts';
import type { Manifest, ManifestFeature } from './manifest.ts';

type NumberFeature = Extract<ManifestFeature, { missing: unknown }>;

export type Side = 'user' | 'campaign';
export const SIDES: readonly Side[] = ['user', 'campaign'];

interface FeatureInput {
  readonly name: string;
  readonly rank: number;
  /** The maximum number of tokens in a list, for the input with the list's ids. */
  readonly width?: number;
  /** Whether the input takes numbers rather than ids. */
  readonly isFloat?: true;
  /** The highest id or length that the input accepts; for a number, an arbitrary valid value. */
  readonly highest: number;
}

/** The names and shapes of a feature's inputs. */
export function inputsOf(side: Side, feature: ManifestFeature): FeatureInput[] {
  const name = `${side}.${feature.name}`;
  if (!('vocabulary_size' in feature)) {
    const number = { name, isFloat: true, highest: 1 } as const;
    return ['size' in feature ? { ...number, rank: 2, width: feature.size } : { ...number, rank: 1 }];
  }
  const highest = feature.vocabulary_size - 1;
  if (!('max_length' in feature)) return [{ name, rank: 1, highest }];
  return [
    { name, rank: 2, width: feature.max_length, highest },
    { name: `${name}.length`, rank: 1, highest: feature.max_length },
  ];
}

/** Advice for the owner of a model that can score only one fixed number of users. */
const FIXED_BATCH =
  '. The batch size is fixed: export the model with dynamic_axes={"<input>": {0: "batch"}, ..} ' +
  '(dynamo: dynamic_shapes)';

/** True for the name of an input that gives the number of tokens in a list. */
function isLengthOf(name: string, features: Manifest['features']): boolean {
  return SIDES.some((side) =>
    features[side].some((feature) => 'max_length' in feature && name === `${side}.${feature.name}.length`),
  );
}

/**
 * Checks the inputs and the output of `graph` against the features in a folder's manifest or in an import's schema;
 * `path` names the model in the error (`invalid_model`).
 */
export function checkInterface(
  path: string,
  features: Manifest['features'],
  graph: Graph,
  source: 'manifest' | 'schema' = 'manifest',
): void {
  const subject = source === 'manifest' ? MODEL_FILE : 'the model';
  const hint = source === 'manifest' ? '' : ' (exporters leave out inputs that a model does not use)';
  const convention =
    source === 'manifest'
      ? ''
      : ': name inputs user.<feature> or campaign.<feature> and lengths of lists user.<feature>.length, ' +
        'or describe the inputs in "inputs" of the schema';
  const wanted = SIDES.flatMap((side) => features[side].flatMap((feature) => inputsOf(side, feature)));
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of graph.inputs)
    if (!names.has(name))
      throw refused(path, `${subject} has an input "${name}" that belongs to no feature of the ${source}${convention}`);
  for (const { name, rank, width, isFloat } of wanted) {
    if (!graph.inputs.includes(name)) {
      // a list that is padded with 0 needs no length
      if (isLengthOf(name, features)) continue;
      throw refused(path, `${subject} has no input "${name}"${hint}`);
    }
    const value = graph.values.get(name)!;
    const [batch] = value.shape;
    const isCampaign = name.startsWith('campaign.');
    const isOfType = isFloat ? value.dtype === 'float32' : value.dtype === 'int32' || value.dtype === 'int64';
    // a fixed batch size would fit only the golden batch
    const isAnySize = typeof batch === 'string' || (isCampaign && batch === 1);
    const isWidth = width === undefined || typeof value.shape[1] !== 'number' || value.shape[1] === width;
    if (!isOfType || value.shape.length !== rank || !isAnySize || !isWidth) {
      const shapes = (isCampaign ? [1, 'batch'] : ['batch']).map((dim) => `[${[dim, width ?? []].flat().join(', ')}]`);
      const fixed = typeof batch === 'number' && !isAnySize ? FIXED_BATCH : '';
      const types = isFloat ? 'float32' : 'int32 or int64';
      throw refused(path, `input "${name}" is ${typeText(value)}, not ${types} of ${shapes.join(' or ')}${fixed}`);
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
    `the first output is ${score ? `"${output}" ${typeText(score)}` : 'missing'}, not "score" ` +
      `float32[batch]${isDouble ? ': cast the model before the export (in PyTorch: model.float())' : ''}`,
  );
}

/** The inputs of a golden batch as written in the manifest. */
export function goldenInputs(graph: Graph, feeds: Feeds): Manifest['golden_batch']['inputs'] {
  return Object.fromEntries(
    graph.inputs.map((name) => [name, { shape: [...feeds[name]!.shape], data: nullableNumbers(feeds[name]!) }]),
  );
}

/** Converts elements to JSON numbers, with null in place of NaN. */
export function nullableNumbers(value: Tensor): (number | null)[] {
  return numbersOf(value).map((number) => (Number.isNaN(number) ? null : number));
}

/**
 * Number of rows of `input` in a batch of `rows` users: 1 for a campaign input that does not share the users' batch
 * dimension.
 */
function rowsOfInput(graph: Graph, input: string, rows: number): number {
  if (!input.startsWith('campaign.')) return rows;
  const user = graph.inputs.find((name) => name.startsWith('user.'));
  const batch = user === undefined ? undefined : graph.values.get(user)!.shape[0];
  return typeof batch === 'string' && graph.values.get(input)!.shape[0] === batch ? rows : 1;
}

/**
 * Inputs of `rows` random users and one campaign, as the service would feed them: ids below each vocabulary's size,
 * lists of random lengths, padded with 0, and standard normal numbers. The first user has only unknown values, and the
 * second user has the highest ids.
 */
export function randomFeeds(graph: Graph, features: Manifest['features'], rows: number, rng: Rng): Feeds {
  const feeds: Record<string, Tensor> = {};
  const set = (name: string, shape: readonly number[], values: ArrayLike<number>) => {
    feeds[name] = tensor(graph.values.get(name)!.dtype, shape, values);
  };
  for (const side of SIDES) {
    for (const feature of features[side]) {
      const input = `${side}.${feature.name}`;
      if (!('vocabulary_size' in feature)) {
        const count = rowsOfInput(graph, input, rows);
        const numbers = randomNumbers(feature, count, side === 'user' ? count : 1, rng);
        set(input, 'size' in feature ? [count, feature.size] : [count], numbers);
        continue;
      }
      const { vocabulary_size } = feature;
      const isList = 'max_length' in feature;
      const width = isList ? feature.max_length : 1;
      const count = rowsOfInput(graph, input, rows);
      const draws = side === 'user' ? count : 1;
      const ids = new Int32Array(count * width);
      const lengths = new Int32Array(count);
      for (let row = 0; row < count; row++) {
        const length = isList ? rng.integer(width + 1) : 1;
        lengths[row] = side === 'user' && row === 0 ? 0 : side === 'user' && row === 1 ? width : length;
        for (let i = 0; i < lengths[row]!; i++)
          ids[row * width + i] = side === 'user' && row === 1 ? vocabulary_size - 1 : rng.integer(vocabulary_size);
      }
      // every row of a campaign input describes the same campaign
      for (let row = draws; row < count; row++) {
        ids.copyWithin(row * width, 0, width);
        lengths[row] = lengths[0]!;
      }
      set(input, isList ? [count, width] : [count], ids);
      const length = `${input}.length`;
      if (isList && graph.inputs.includes(length)) set(length, [count], lengths);
    }
  }
  return feeds;
}

/**
 * Standard normal numbers for `rows` rows. The first row has missing values, and the rows from `different` on are
 * copies of the first row.
 */
function randomNumbers(feature: NumberFeature, rows: number, different: number, rng: Rng): Float32Array {
  const size = 'size' in feature ? feature.size : 1;
  const out = Float32Array.from({ length: rows * size }, () => rng.normal());
  out.fill(feature.missing ?? Number.NaN, 0, size);
  for (let row = different; row < rows; row++) out.copyWithin(row * size, 0, size);
  return out;
}
