/** The population as a sparse matrix (users x tokens), which the baselines read. */

import { assert } from '../../lib/errors.ts';
import { type ColumnKind, columnOf, hasTokens } from '../../lib/feature-kinds.ts';
import {
  MOST_DEVIATIONS,
  missingBand,
  type NumberScale,
  rowsOfScale,
} from '../../model/architectures/feature-inputs.ts';
import { type Swap, swapped } from '../../online/swap.ts';
import {
  bandOf,
  isTokenColumn,
  type NumberColumn,
  type Population,
  type Rows,
  startOf,
  type TokenColumn,
} from '../../population/read.ts';
import type { ScaledFeature } from './number-scales.ts';

/** Tokens by user number in CSR form: user u has `tokens[offsets[u] .. offsets[u + 1]]`, without repeated tokens. */
export interface OneHot {
  /** Offsets by user number, `[users + 1]`. A user who is not in the population version has no tokens. */
  readonly offsets: Int32Array;
  /**
   * Token columns in `[0, width)`: the feature's first column plus the token's code (or the token's id, if tokens are
   * cut).
   */
  readonly tokens: Int32Array;
  /** Values by token: standardised numbers, and 1 for tokens and bands; null or absent if all values are 1. */
  readonly values?: Float32Array | null;
  /** Marks the columns of standardised numbers with 1, `[width]`; present if `values` is present. */
  readonly isNumber?: Uint8Array;
  /**
   * Number of columns. Some columns are never used, because code 0 of each feature stands for a missing or empty value.
   */
  readonly width: number;
  /** User numbers that are in the population version, ascending. */
  readonly users: Int32Array;
}

/**
 * Reads the population twice, segment by segment. `features` (of the data set or the model) determine the columns. As
 * in the model, lists are cut to their first `maxLength` tokens, and numbers are cut into bands and standardised.
 * Columns are the rows of the model's stacked tables.
 */
export function buildOneHot(population: Population, features: readonly ScaledFeature[]): OneHot {
  const blocks = blocksOf(population, features);
  const width = blocks.reduce((sum, block) => sum + block.width, 0);
  const hasNumbers = blocks.some(({ scale }) => scale);

  const size = population.directory.size;
  const offsets = new Int32Array(size + 1);
  // Reads tokens in two passes, because segments are in row order but the matrix is in user order: the first pass
  // counts tokens, the second pass places them.
  visitUsers(population, blocks, width, (user) => {
    offsets[user + 1]!++;
  });
  for (let u = 0; u < size; u++) offsets[u + 1]! += offsets[u]!;

  const tokens = new Int32Array(offsets[size]!);
  const values = hasNumbers ? new Float32Array(tokens.length) : null;
  const next = offsets.slice();
  visitUsers(population, blocks, width, (user, token, value) => {
    const at = next[user]!++;
    tokens[at] = token;
    if (values) values[at] = value;
  });
  const users = presentUsers(population.rowOf);
  return values
    ? { offsets, tokens, values, isNumber: numberColumns(blocks, width), width, users }
    : { offsets, tokens, width, users };
}

/** The matrix without standardised numbers, for methods that read only tokens; bands stay. */
export function tokensAlone(oneHot: OneHot): OneHot {
  if (!oneHot.isNumber) return oneHot;
  const { offsets, tokens, width, users } = withoutColumns(oneHot, oneHot.isNumber);
  return { offsets, tokens, width, users };
}

function numberColumns(blocks: readonly Block[], width: number): Uint8Array {
  const isNumber = new Uint8Array(width);
  for (const { kind, firstColumn, width: own } of blocks)
    if (!hasTokens(kind)) isNumber.fill(1, kind === 'vector' ? firstColumn : firstColumn + own - 1, firstColumn + own);
  return isNumber;
}

/** The matrix without the columns marked in `isOut`, `[width]`, as if no user had those tokens. */
export function withoutColumns(oneHot: OneHot, isOut: Uint8Array): OneHot {
  const { offsets, tokens, values } = oneHot;
  const kept = new Int32Array(tokens.length);
  const keptValues = values ? new Float32Array(tokens.length) : null;
  const ends = new Int32Array(offsets.length);
  let count = 0;
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let i = offsets[user]!; i < offsets[user + 1]!; i++) {
      if (isOut[tokens[i]!] === 1) continue;
      if (keptValues) keptValues[count] = values![i]!;
      kept[count++] = tokens[i]!;
    }
    ends[user + 1] = count;
  }
  const own = { ...oneHot, offsets: ends, tokens: kept.slice(0, count) };
  return keptValues ? { ...own, values: keptValues.slice(0, count) } : own;
}

/**
 * The matrix with hidden tokens replaced, as in a model's inputs. Replacements that the user already has are left out,
 * and so are hidden numbers. `features` must be the features with which the matrix was built.
 */
export function withSwaps(
  oneHot: OneHot,
  population: Population,
  features: readonly ScaledFeature[],
  swaps: ReadonlyMap<string, Swap | null>,
): OneHot {
  const isOut = new Uint8Array(oneHot.width);
  const tokens = oneHot.tokens.slice();
  const seenBy = new Int32Array(oneHot.width).fill(-1);
  for (const block of blocksOf(population, features)) {
    const { name, firstColumn, width } = block;
    const swap = swaps.get(name);
    if (swap === undefined) continue;
    if (swap === null) {
      isOut.fill(1, firstColumn, firstColumn + width);
      continue;
    }
    for (const user of oneHot.users) swapRow(oneHot, user, { swap, block }, tokens, seenBy);
    // tokens that could not be replaced are left out
    isOut[firstColumn] = 1;
  }
  return withoutColumns({ ...oneHot, tokens }, isOut);
}

function swapRow(
  { offsets, tokens }: OneHot,
  user: number,
  { swap, block }: { readonly swap: Swap; readonly block: Block },
  out: Int32Array,
  seenBy: Int32Array,
): void {
  const { firstColumn, width, ids } = block;
  const [begin, end] = [offsets[user]!, offsets[user + 1]!];
  for (let i = begin; i < end; i++) seenBy[tokens[i]!] = user;
  for (let i = begin; i < end; i++) {
    const column = tokens[i]!;
    if (column < firstColumn || column >= firstColumn + width) continue;
    const code = codeAt(block, column);
    if (swap.isHidden[code] === 0) continue;
    const drawn = swapped(swap, user, code);
    const other = firstColumn + (ids ? ids[drawn]! : drawn);
    out[i] = seenBy[other] === user ? firstColumn : other;
    seenBy[other] = user;
  }
}

/** The column of a feature's token, numbered as by `buildOneHot` with the same features; -1 if nobody has the token. */
export function findColumn(
  population: Population,
  features: readonly ScaledFeature[],
  feature: string,
  token: string,
): number {
  const block = blocksOf(population, features).find(({ name }) => name === feature);
  const code = block ? population.dictionary(feature).find(token) : 0;
  const own = block?.ids ? block.ids[code]! : code;
  return block && own > 0 ? block.firstColumn + own : -1;
}

/** The columns of one feature. */
export interface Block {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly firstColumn: number;
  readonly width: number;
  readonly maxLength: number;
  readonly scale: NumberScale | null;
  /** The column within the feature, by code; 0 means cut. null if all tokens are kept. */
  readonly ids: Int32Array | null;
  /** The codes of the feature's columns from 1 on; null if all tokens are kept. */
  readonly codes: Int32Array | null;
}

/** The population's code for a column of a feature with tokens; 0 for the feature's first column. */
export function codeAt({ firstColumn, codes }: Block, column: number): number {
  const own = column - firstColumn;
  return codes && own > 0 ? codes[own - 1]! : own;
}

/** The columns of each feature, numbered as by `buildOneHot`. */
export function blocksOf(population: Population, features: readonly ScaledFeature[]): Block[] {
  let firstColumn = 0;
  return features.map(({ name, kind, maxLength = Number.POSITIVE_INFINITY, scale, kept }) => {
    const own = firstColumn;
    const tokens = kept ? kept.codes.length + 1 : population.dictionary(name).size;
    const width = hasTokens(kind) ? tokens : rowsOfScale(scale!, columnOf(kind));
    firstColumn += width;
    return {
      name,
      kind: columnOf(kind),
      firstColumn: own,
      width,
      maxLength,
      scale: scale ?? null,
      ids: kept?.ids ?? null,
      codes: kept?.codes ?? null,
    };
  });
}

type Visit = (user: number, token: number, value: number) => void;

/** Calls `visit` once for each distinct token of each user in the population version. */
function visitUsers(population: Population, blocks: readonly Block[], width: number, visit: Visit): void {
  const lastUserOf = new Int32Array(width).fill(-1);
  for (let s = 0; s < population.segmentCount; s++) {
    const rows = population.readSegment(s);
    for (let r = 0; r < rows.count; r++) visitRow(rows, r, blocks, lastUserOf, visit);
  }
}

function visitRow(rows: Rows, r: number, blocks: readonly Block[], lastUserOf: Int32Array, visit: Visit): void {
  const user = rows.userNumbers[r]!;
  for (const { name, firstColumn, maxLength, scale, ids } of blocks) {
    const column = rows.columns.get(name);
    assert(column !== undefined, `the population has no feature "${name}"`);
    if (!isTokenColumn(column)) {
      visitNumbers(column, r, scale!, (own, value) => visit(user, firstColumn + own, value));
      continue;
    }
    visitCodes(column, r, { maxLength, ids }, (own) => {
      const token = firstColumn + own;
      if (lastUserOf[token] === user) return;
      lastUserOf[token] = user;
      visit(user, token, 1);
    });
  }
}

/** The first `maxLength` kept tokens, as in the model's lists. */
function visitCodes(
  column: TokenColumn,
  r: number,
  { maxLength, ids }: Pick<Block, 'maxLength' | 'ids'>,
  visit: (own: number) => void,
): void {
  const end = startOf(column, r + 1);
  let left = maxLength;
  for (let i = startOf(column, r); i < end && left > 0; i++) {
    const code = column.codes[i]!;
    const own = ids ? ids[code]! : code;
    if (own === 0) continue;
    left--;
    visit(own);
  }
}

/**
 * Visits a number's band and its standardised numbers, as the model's graph computes them. Taken together, a vector's
 * numbers have the same norm as a token.
 */
function visitNumbers(
  { kind, size, values }: NumberColumn,
  r: number,
  { edges, means, deviations }: NumberScale,
  visit: (own: number, value: number) => void,
): void {
  const first = values[r * size]!;
  const isMissing = Number.isNaN(first);
  if (kind === 'number') visit(isMissing ? missingBand({ edges }) : 1 + bandOf(first, edges), 1);
  if (isMissing) return;
  const firstRow = kind === 'number' ? missingBand({ edges }) + 1 : 0;
  for (let i = 0; i < size; i++) {
    const standard = (values[r * size + i]! - means[i]!) / deviations[i]!;
    const bounded = Math.min(Math.max(standard, -MOST_DEVIATIONS), MOST_DEVIATIONS);
    visit(firstRow + i, bounded / Math.sqrt(size));
  }
}

/** df_t, the number of users who have each token, `[width]`; bands of numbers count as tokens. */
export function tokenFrequencies({ tokens, width }: OneHot): Int32Array {
  const frequencies = new Int32Array(width);
  for (const token of tokens) frequencies[token]!++;
  return frequencies;
}

/** The user numbers that are in the population version, ascending. */
export function presentUsers(rowOf: Int32Array): Int32Array {
  let count = 0;
  for (const row of rowOf) if (row >= 0) count++;
  const users = new Int32Array(count);
  let at = 0;
  for (let u = 0; u < rowOf.length; u++) if (rowOf[u]! >= 0) users[at++] = u;
  return users;
}
