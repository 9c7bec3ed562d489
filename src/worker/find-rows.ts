/** What each user of a population is to an expansion: a seed, suppressed, filtered out, or a candidate. */
import { setImmediate } from 'node:timers/promises';
import type { Filters } from '../campaigns/types.ts';
import type { IdBlocks } from '../campaigns/user-sets.ts';
import type { Population } from '../population/population.ts';
import type { Column } from '../population/segments.ts';

/** The user sets of an expansion. */
export interface UserSets {
  readonly seeds: readonly IdBlocks[];
  readonly dismissed: readonly IdBlocks[];
  readonly suppressed: readonly IdBlocks[];
}

/** Rows of the population, each ascending. No row is in two of seeds, suppressed, filtered and candidates, every row is in one; dismissed ones are candidates. */
export interface ExpansionRows {
  readonly seeds: Int32Array;
  readonly suppressed: Int32Array;
  readonly filtered: Int32Array;
  readonly candidates: Int32Array;
  readonly dismissed: Int32Array;
}

const CANDIDATE = 0;
const DISMISSED = 1;
const SEED = 2;
const FILTERED = 3;
const SUPPRESSED = 4;

/**
 * Suppression goes before everything, a dismissal before being a seed, being a seed before filters: seeds need not pass them. Ids that this version does
 * not have are left alone. Memory is two bytes a row, and the rows. After every block of ids and every segment others have their turn (leases are renewed), then `onTurn` is called; what it
 * throws ends this.
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
  const roles = new Uint8Array(population.rowCount).fill(CANDIDATE);
  await markFiltered(population, filters, roles, turn);
  const marked = new Uint8Array(population.rowCount);
  const mark = async (all: readonly IdBlocks[], role: number) => {
    for (const blocks of all) {
      for (const ids of blocks) {
        markUsers(population, ids, role, marked);
        await turn();
      }
    }
  };
  await mark(sets.seeds, SEED);
  await mark(sets.dismissed, DISMISSED);
  await mark(sets.suppressed, SUPPRESSED);
  for (let row = 0; row < roles.length; row++) {
    const role = marked[row]!;
    // one who said no and is filtered out is no negative: the model is to tell apart those who may be ranked
    if (role === SEED || role === SUPPRESSED || (role === DISMISSED && roles[row] === CANDIDATE)) roles[row] = role;
  }
  return {
    seeds: select(roles, (role) => role === SEED),
    suppressed: select(roles, (role) => role === SUPPRESSED),
    filtered: select(roles, (role) => role === FILTERED),
    candidates: select(roles, (role) => role === CANDIDATE || role === DISMISSED),
    dismissed: select(roles, (role) => role === DISMISSED),
  };
}

function markUsers({ directory, rowOf }: Population, ids: readonly string[], role: number, marked: Uint8Array): void {
  for (const id of ids) {
    const number = directory.find(id);
    const row = number < 0 ? -1 : (rowOf[number] ?? -1);
    if (row >= 0) marked[row] = role;
  }
}

/** Marks users who lack all tokens of a filter's feature. A feature or token that this version does not have lets nobody pass. */
async function markFiltered(
  population: Population,
  filters: Filters,
  roles: Uint8Array,
  turn: () => Promise<void>,
): Promise<void> {
  const wanted = Object.entries(filters).map(([feature, tokens]) => {
    if (!population.features.some(({ name }) => name === feature)) return { feature, codes: new Uint8Array(0) };
    const dictionary = population.dictionary(feature);
    const codes = new Uint8Array(dictionary.size);
    for (const token of tokens) codes[dictionary.find(token)] = 1;
    codes[0] = 0;
    return { feature, codes };
  });
  if (wanted.length === 0) return;
  for (let segment = 0, row = 0; segment < population.segmentCount; segment++) {
    const { count, columns } = population.readSegment(segment);
    for (let i = 0; i < count; i++, row++) {
      const passes = wanted.every(({ feature, codes }) => hasOne(columns.get(feature), i, codes));
      if (!passes) roles[row] = FILTERED;
    }
    await turn();
  }
}

function hasOne(column: Column | undefined, row: number, codes: Uint8Array): boolean {
  if (column === undefined) return false;
  if (column.kind === 'single') return codes[column.codes[row]!] === 1;
  for (let i = column.offsets[row]!; i < column.offsets[row + 1]!; i++) if (codes[column.codes[i]!] === 1) return true;
  return false;
}

function select(roles: Uint8Array, isWanted: (role: number) => boolean): Int32Array {
  const out = new Int32Array(roles.length);
  let count = 0;
  for (let row = 0; row < roles.length; row++) if (isWanted(roles[row]!)) out[count++] = row;
  return out.slice(0, count);
}
