/** What each user of a population is to an expansion: a seed, suppressed, filtered out, or a candidate. */

import { setImmediate } from 'node:timers/promises';
import type { Filters } from '../campaigns/features.ts';
import type { IdBlocks } from '../campaigns/set-types.ts';
import type { Population } from '../population/population.ts';
import { type Column, isTokenColumn, startOf } from '../population/segments.ts';

/** The user sets of an expansion. */
export interface UserSets {
  readonly seeds: readonly IdBlocks[];
  readonly dismissed: readonly IdBlocks[];
  readonly suppressed: readonly IdBlocks[];
}

/**
 * Rows of the population, each ascending. No row is in two of seeds, suppressed, filtered and candidates, every row is
 * in one; dismissed ones are candidates.
 */
export interface ExpansionRows {
  readonly seeds: Int32Array;
  readonly suppressed: Int32Array;
  readonly filtered: Int32Array;
  readonly candidates: Int32Array;
  readonly dismissed: Int32Array;
}

const CANDIDATE = 0;
const FILTERED = 1;
const DISMISSED = 2;
/** What sets make of a user. */
export const SEED = 3;
export const SUPPRESSED = 4;

/** Gives others their turn; what it throws ends the work. */
export type Turn = () => Promise<void>;

/**
 * Suppression goes before everything, a dismissal before being a seed, being a seed before filters: seeds need not pass
 * them. Ids that this version does not have are left alone. Memory is two bytes a row, and the rows. After every block
 * of ids and every segment others have their turn (leases are renewed), then `onTurn` is called; what it throws ends
 * the work.
 * @throws AppError storage_failed (a set's file is gone or altered), invalid_population
 */
export async function findRows(
  population: Population,
  sets: UserSets,
  filters: Filters,
  onTurn: () => void = () => {},
): Promise<ExpansionRows> {
  const turn = async () => {
    await setImmediate();
    onTurn();
  };
  const filtered = await findFiltered(population, filters, turn);
  const marked = new Uint8Array(population.rowCount);
  for (const blocks of sets.seeds) await markUsers(population, blocks, SEED, marked, turn);
  for (const blocks of sets.dismissed) await markUsers(population, blocks, DISMISSED, marked, turn);
  for (const blocks of sets.suppressed) await markUsers(population, blocks, SUPPRESSED, marked, turn);
  return assignRoles(filtered, marked);
}

/** Marks those of some users whom the population version has, by row. */
export async function markUsers(
  { directory, rowOf }: Population,
  blocks: IdBlocks,
  mark: number,
  marked: Uint8Array,
  turn: Turn,
): Promise<void> {
  for (const ids of blocks) {
    for (const id of ids) {
      const number = directory.find(id);
      const row = number < 0 ? -1 : (rowOf[number] ?? -1);
      if (row >= 0) marked[row] = mark;
    }
    await turn();
  }
}

/**
 * By row, 1 for users who lack all tokens of a filter's feature, or whose number is out of its range. A feature or
 * token that this version does not have lets nobody pass.
 */
export async function findFiltered(population: Population, filters: Filters, turn: Turn): Promise<Uint8Array> {
  const filtered = new Uint8Array(population.rowCount);
  const wanted = Object.entries(filters).map(([feature, filter]) => openFilter(population, feature, filter));
  if (wanted.length === 0) return filtered;
  for (let segment = 0, row = 0; segment < population.segmentCount; segment++) {
    const { count, columns } = population.readSegment(segment);
    for (let i = 0; i < count; i++, row++) {
      const passes = wanted.every(({ feature, passes }) => passes(columns.get(feature), i));
      if (!passes) filtered[row] = 1;
    }
    await turn();
  }
  return filtered;
}

/**
 * What every user is, by row: of what sets make of them (0: nothing) and who is filtered out. `marked` holds the roles
 * after.
 */
export function assignRoles(filtered: Uint8Array, marked: Uint8Array): ExpansionRows {
  for (let row = 0; row < marked.length; row++) {
    const mark = marked[row]!;
    // one who said no and is filtered out is no negative: the model is to tell apart those who may be ranked
    if (mark !== SEED && mark !== SUPPRESSED && filtered[row] === 1) marked[row] = FILTERED;
  }
  return {
    seeds: select(marked, (role) => role === SEED),
    suppressed: select(marked, (role) => role === SUPPRESSED),
    filtered: select(marked, (role) => role === FILTERED),
    candidates: select(marked, (role) => role === CANDIDATE || role === DISMISSED),
    dismissed: select(marked, (role) => role === DISMISSED),
  };
}

interface OpenFilter {
  readonly feature: string;
  passes(column: Column | undefined, row: number): boolean;
}

function openFilter(population: Population, feature: string, filter: Filters[string]): OpenFilter {
  if (!('length' in filter)) {
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = filter;
    // a missing number, NaN, is in no range
    const isInside = (value: number) => value >= Math.fround(min) && value <= Math.fround(max);
    return { feature, passes: (column, row) => column?.kind === 'number' && isInside(column.values[row]!) };
  }
  const isKnown = population.features.some(({ name }) => name === feature);
  const dictionary = isKnown ? population.dictionary(feature) : null;
  const codes = new Uint8Array(dictionary?.size ?? 0);
  for (const token of filter) codes[dictionary?.find(token) ?? 0] = 1;
  codes[0] = 0;
  return { feature, passes: (column, row) => hasOne(column, row, codes) };
}

function hasOne(column: Column | undefined, row: number, codes: Uint8Array): boolean {
  if (column === undefined || !isTokenColumn(column)) return false;
  const end = startOf(column, row + 1);
  for (let i = startOf(column, row); i < end; i++) if (codes[column.codes[i]!] === 1) return true;
  return false;
}

function select(roles: Uint8Array, isWanted: (role: number) => boolean): Int32Array {
  const out = new Int32Array(roles.length);
  let count = 0;
  for (let row = 0; row < roles.length; row++) if (isWanted(roles[row]!)) out[count++] = row;
  return out.slice(0, count);
}
