/** The population as a sparse binary matrix users x tokens: what the baselines see of a user. */

import type { Feature } from '../dataset/features.ts';
import { assert } from '../lib/errors.ts';
import type { Population } from '../population/population.ts';
import { type Column, type Rows, startOf } from '../population/segments.ts';

/** Tokens of every user number in CSR form: user u has `tokens[offsets[u] .. offsets[u + 1]]`, no token twice. */
export interface OneHot {
  /** `[users + 1]`, by user number; a user who is not in the population's version has no tokens. */
  readonly offsets: Int32Array;
  /** Token columns in `[0, width)`: the feature's first column + the token's code. */
  readonly tokens: Int32Array;
  /** Number of columns; some are never used (code 0 of each feature is missing/empty). */
  readonly width: number;
  /** User numbers in the population's version, ascending. */
  readonly users: Int32Array;
}

/**
 * Reads the population twice, segment by segment. `features` (of the data set or the model) say which columns count;
 * lists are cut to their first `maxLength` tokens, as the model sees them.
 */
export function buildOneHot(population: Population, features: readonly Feature[]): OneHot {
  const blocks: Block[] = [];
  let width = 0;
  for (const { name, maxLength } of features) {
    blocks.push({ name, firstColumn: width, maxLength: maxLength ?? Number.POSITIVE_INFINITY });
    width += population.dictionary(name).size;
  }

  const size = population.directory.size;
  const offsets = new Int32Array(size + 1);
  // Segments come in row order, the matrix in user order: first count, then place.
  visitUsers(population, blocks, width, (user) => {
    offsets[user + 1]!++;
  });
  for (let u = 0; u < size; u++) offsets[u + 1]! += offsets[u]!;

  const tokens = new Int32Array(offsets[size]!);
  const next = offsets.slice();
  visitUsers(population, blocks, width, (user, token) => {
    tokens[next[user]!++] = token;
  });
  return { offsets, tokens, width, users: presentUsers(population.rowOf) };
}

/** The matrix without the columns marked in `isOut`, `[width]`, as if no user had those tokens. */
export function withoutColumns({ offsets, tokens, width, users }: OneHot, isOut: Uint8Array): OneHot {
  const kept = new Int32Array(tokens.length);
  const ends = new Int32Array(offsets.length);
  let count = 0;
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let i = offsets[user]!; i < offsets[user + 1]!; i++) if (isOut[tokens[i]!] === 0) kept[count++] = tokens[i]!;
    ends[user + 1] = count;
  }
  return { offsets: ends, tokens: kept.slice(0, count), width, users };
}

/**
 * The column of a token of a feature, numbered as `buildOneHot` does with the same features; -1 where nobody has it.
 */
export function findColumn(
  population: Population,
  features: readonly Feature[],
  feature: string,
  token: string,
): number {
  let firstColumn = 0;
  for (const { name } of features) {
    const dictionary = population.dictionary(name);
    if (name !== feature) {
      firstColumn += dictionary.size;
      continue;
    }
    const code = dictionary.find(token);
    return code > 0 ? firstColumn + code : -1;
  }
  return -1;
}

/** The columns of one feature. */
interface Block {
  readonly name: string;
  readonly firstColumn: number;
  readonly maxLength: number;
}

/** Calls `visit` once for each different token of each user in the version. */
function visitUsers(
  population: Population,
  blocks: readonly Block[],
  width: number,
  visit: (user: number, token: number) => void,
): void {
  const lastUserOf = new Int32Array(width).fill(-1);
  for (let s = 0; s < population.segmentCount; s++) {
    const rows = population.readSegment(s);
    for (let r = 0; r < rows.count; r++) visitRow(rows, r, blocks, lastUserOf, visit);
  }
}

function visitRow(
  rows: Rows,
  r: number,
  blocks: readonly Block[],
  lastUserOf: Int32Array,
  visit: (user: number, token: number) => void,
): void {
  const user = rows.userNumbers[r]!;
  for (const { name, firstColumn, maxLength } of blocks) {
    const column = rows.columns.get(name);
    assert(column !== undefined, `the population has no feature "${name}"`);
    visitCodes(column, r, maxLength, (code) => {
      const token = firstColumn + code;
      if (lastUserOf[token] === user) return;
      lastUserOf[token] = user;
      visit(user, token);
    });
  }
}

function visitCodes(column: Column, r: number, maxLength: number, visit: (code: number) => void): void {
  const end = startOf(column, r + 1);
  let left = maxLength;
  for (let i = startOf(column, r); i < end && left > 0; i++) {
    const code = column.codes[i]!;
    if (code === 0) continue;
    left--;
    visit(code);
  }
}

function presentUsers(rowOf: Int32Array): Int32Array {
  let count = 0;
  for (const row of rowOf) if (row >= 0) count++;
  const users = new Int32Array(count);
  let at = 0;
  for (let u = 0; u < rowOf.length; u++) if (rowOf[u]! >= 0) users[at++] = u;
  return users;
}
