/** Encodes rows of a population, and a campaign's features, as a model's inputs. */
import type { Feeds, Graph, Tensor } from '../../packages/onnx-grad/index.ts';
import { unreachable } from '../lib/errors.ts';
import type { ModelContract } from '../model/folder.ts';
import type { ManifestFeature } from '../model/manifest.ts';
import type { Column, NumberColumn, Rows } from '../population/read.ts';
import type { Binding, BoundFeature } from './binding.ts';
import type { OwnToken } from './own-token.ts';
import { swapped } from './swap.ts';

/** Counts of tokens that are not passed to a model. */
export interface EncodingCounts {
  /** Number of occurrences of tokens that the model does not know, and number of occurrences of all tokens. */
  unknown: number;
  tokens: number;
  /** Number of known tokens beyond a list's maximum length. */
  dropped: number;
}

export interface EncodingOptions {
  readonly counts?: EncodingCounts;
  /** A token that is left out of every user's values, as if no user had it: the campaign's own past-campaigns token. */
  readonly without?: OwnToken | null | undefined;
  /** The range of rows to encode; all rows if omitted. */
  readonly range?: RowRange;
  /** Arrays to write the ids to; new arrays if omitted. */
  readonly into?: IdArrays;
}

/** Consecutive rows. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** Arrays that are reused from batch to batch. An encoded batch is valid until the next batch is encoded. */
export class IdArrays {
  readonly #arrays = new Map<string, Int32Array>();

  /** Returns `length` zeros; calls with the same name return the same memory. */
  zeros(name: string, length: number): Int32Array {
    const known = this.#arrays.get(name);
    if (known && known.length >= length) return known.subarray(0, length).fill(0);
    const made = new Int32Array(length);
    this.#arrays.set(name, made);
    return made;
  }
}

/** Values by campaign feature: a token, a list of tokens, a number or the numbers of a vector. */
export type CampaignValues = Readonly<Record<string, string | number | readonly string[] | readonly number[]>>;

/**
 * The inputs `user.<feature>`, `[rows]`, or for lists `[rows, maxLength]` and a second input `.length`. The inputs have
 * the types that `graph` declares (int32 without a graph). In lists, unknown tokens are dropped, or become id 0 if the
 * model keeps positions; then the first `maxLength` tokens are kept.
 */
export function encodeUsers(
  graph: Graph | null,
  binding: Binding,
  rows: Rows,
  { counts, without, range = { from: 0, to: rows.count }, into = new IdArrays() }: EncodingOptions = {},
): Feeds {
  const count = range.to - range.from;
  const feeds: Record<string, Tensor> = {};
  for (const feature of binding.features) {
    const column = rows.columns.get(feature.name)!;
    const name = `user.${feature.name}`;
    const leftOut = without?.feature === feature.name ? without.id : -1;
    const context = { userNumbers: rows.userNumbers, range, counts, leftOut };
    switch (column.kind) {
      case 'single': {
        const ids = into.zeros(name, count);
        writeSingleIds(feature, column, context, ids);
        feeds[name] = idTensor(graph, name, [count], ids);
        break;
      }
      case 'multi': {
        const ids = into.zeros(name, count * feature.maxLength);
        const lengths = into.zeros(`${name}.length`, count);
        writeListIds(feature, column, context, ids, lengths);
        feeds[name] = idTensor(graph, name, [count, feature.maxLength], ids);
        feeds[`${name}.length`] = idTensor(graph, `${name}.length`, [count], lengths);
        break;
      }
      case 'number':
      case 'vector':
        feeds[name] = numberTensor(column, range, feature);
        break;
      default:
        unreachable(column);
    }
  }
  return feeds;
}

/** Returns the numbers unchanged, except that NaN becomes `missing` if the model has such a value. */
function numberTensor(
  { kind, size, values }: NumberColumn,
  { from, to }: RowRange,
  { missing, isHidden = false }: BoundFeature,
): Tensor {
  const own = values.subarray(from * size, to * size);
  const known = isHidden ? new Float32Array(own.length).fill(Number.NaN) : own;
  return {
    dtype: 'float32',
    shape: kind === 'vector' ? [to - from, size] : [to - from],
    data: missing === null ? known : known.map((value) => (Number.isNaN(value) ? missing : value)),
  };
}

/** Everything that determines the ids of single values and of lists. */
interface IdContext {
  readonly userNumbers: Int32Array;
  readonly range: RowRange;
  readonly counts: EncodingCounts | undefined;
  /** The id to leave out; -1 if no id is left out. */
  readonly leftOut: number;
}

function writeSingleIds(
  { tokenIds, swap }: BoundFeature,
  { codes }: Extract<Column, { kind: 'single' }>,
  { userNumbers, range: { from, to }, counts, leftOut }: IdContext,
  out: Int32Array,
): void {
  let present = 0;
  let known = 0;
  for (let i = from; i < to; i++) {
    const code = swap ? swapped(swap, userNumbers[i]!, codes[i]!) : codes[i]!;
    const id = tokenIds[code]!;
    out[i - from] = id === leftOut ? 0 : id;
    if (code !== 0) present += 1;
    if (id !== 0) known += 1;
  }
  if (counts) {
    counts.tokens += present;
    counts.unknown += present - known;
  }
}

/** Writes the ids of lists to `ids`, which must be zeros. */
function writeListIds(
  { tokenIds, maxLength, keepsUnknown, swap, masked }: BoundFeature,
  { offsets, codes }: Extract<Column, { kind: 'multi' }>,
  { userNumbers, range: { from, to }, counts, leftOut }: IdContext,
  out: Int32Array,
  lengths: Int32Array,
): void {
  let unknown = 0;
  let dropped = 0;
  for (let row = from; row < to; row++) {
    const at = (row - from) * maxLength;
    let length = 0;
    for (let j = offsets[row]!; j < offsets[row + 1]!; j++) {
      if (masked?.[codes[j]!] === 1) continue;
      const id = tokenIds[swap ? swapped(swap, userNumbers[row]!, codes[j]!) : codes[j]!]!;
      if (id === 0) unknown += 1;
      if (id === 0 || id === leftOut) {
        if (keepsUnknown && length < maxLength) length += 1;
      } else if (length < maxLength) out[at + length++] = id;
      else dropped += 1;
    }
    lengths[row - from] = length;
  }
  if (counts) {
    counts.tokens += offsets[to]! - offsets[from]!;
    counts.unknown += unknown;
    counts.dropped += dropped;
  }
}

/**
 * The inputs `campaign.<feature>` for `rows` users: a single row if the graph takes a single row, otherwise the same
 * row for each user. Unknown and missing values are id 0. Without a graph: one row of int32.
 */
export function encodeCampaign(
  graph: Graph | null,
  model: ModelContract,
  features: CampaignValues,
  rows: number,
): Feeds {
  const feeds: Record<string, Tensor> = {};
  for (const feature of model.manifest.features.campaign) {
    const name = `campaign.${feature.name}`;
    const value = Object.hasOwn(features, feature.name) ? features[feature.name]! : [];
    const count = graph !== null && isPerUser(graph, name) ? rows : 1;
    if (!('vocabulary_size' in feature)) {
      feeds[name] = campaignNumbers(feature, value, count);
      continue;
    }
    const vocabulary = model.vocabularies.get(name)!;
    const tokens = (Array.isArray(value) ? value : [value]).filter((token) => typeof token === 'string');
    if (!('max_length' in feature)) {
      const id = tokens[0] === undefined ? 0 : vocabulary.find(tokens[0]);
      feeds[name] = idTensor(graph, name, [count], new Int32Array(count).fill(id));
      continue;
    }
    const width = feature.max_length;
    const known = tokens
      .map((token) => vocabulary.find(token))
      .filter((id) => id !== 0 || feature.unknown === 'keep')
      .slice(0, width);
    const ids = new Int32Array(count * width);
    for (let row = 0; row < count; row++) ids.set(known, row * width);
    feeds[name] = idTensor(graph, name, [count, width], ids);
    feeds[`${name}.length`] = idTensor(graph, `${name}.length`, [count], new Int32Array(count).fill(known.length));
  }
  return feeds;
}

/** The elements of a number or a vector. A value of another type is treated as missing. */
function campaignNumbers(
  feature: Extract<ManifestFeature, { missing: unknown }>,
  value: CampaignValues[string],
  rows: number,
): Tensor {
  const size = 'size' in feature ? feature.size : 1;
  const given = (Array.isArray(value) ? value : [value]).map(Number);
  const isKnown = typeof value !== 'string' && given.length === size && given.every(Number.isFinite);
  const data = new Float32Array(rows * size).fill(feature.missing ?? Number.NaN);
  if (isKnown) for (let row = 0; row < rows; row++) data.set(given, row * size);
  return { dtype: 'float32', shape: 'size' in feature ? [rows, size] : [rows], data };
}

/**
 * Whether an input has one row per user. User inputs always have one row per user. A campaign input either has the
 * shape `[1]` or shares the batch dimension of the users' inputs.
 */
export function isPerUser(graph: Graph, input: string): boolean {
  const user = graph.inputs.find((name) => name.startsWith('user.'));
  const [batch] = graph.values.get(user!)!.shape;
  return typeof batch === 'string' && graph.values.get(input)!.shape[0] === batch;
}

function idTensor(graph: Graph | null, name: string, shape: readonly number[], ids: Int32Array): Tensor {
  const wide = graph?.values.get(name)?.dtype === 'int64';
  return wide ? { dtype: 'int64', shape, data: widen(ids) } : { dtype: 'int32', shape, data: ids };
}

/** Converts non-negative ids to 64 bits by writing their lower halves, which avoids a BigInt for each id. */
function widen(ids: Int32Array): BigInt64Array {
  const wide = new BigInt64Array(ids.length);
  const halves = new Int32Array(wide.buffer);
  for (let i = 0; i < ids.length; i++) halves[2 * i] = ids[i]!;
  return wide;
}
