/** Finds the role of each user in an expansion by the rules in `domain/roles.ts`. */

import { setImmediate } from 'node:timers/promises';
import type { Filters } from '../domain/features.ts';
import { assignRoles, MARK, type Roles, rangeTest, relativeWeights } from '../domain/roles.ts';
import type { IdBlocks } from '../domain/user-sets.ts';
import { type Column, isTokenColumn, type Population, startOf } from '../population/read.ts';

/** The user ids that determine the roles in an expansion, by set. */
export interface RoleIds {
  readonly seeds: readonly IdBlocks[];
  readonly dismissed: readonly IdBlocks[];
  readonly suppressed: readonly IdBlocks[];
}

/** Lets other work run. An exception from this function ends the search for roles. */
export type Turn = () => Promise<void>;

/**
 * Finds the role of each row. Erased users are suppressed, and ids that are not in this population version are ignored.
 * The search uses two bytes of memory per row, in addition to the result. After each block of ids and each segment,
 * other work can run (such as renewing leases), and `onTurn` is called. An exception from `onTurn` ends the search.
 * @throws AppError storage_failed (a set's file is gone or altered), invalid_population
 */
export async function findRoles(
  population: Population,
  ids: RoleIds,
  filters: Filters,
  onTurn: () => void = () => {},
): Promise<Roles> {
  const turn = async () => {
    await setImmediate();
    onTurn();
  };
  const filtered = await findFiltered(population, filters, turn);
  const marked = new Uint8Array(population.rowCount);
  const weights = new RowWeights(population.rowCount);
  for (const blocks of ids.seeds) await markUsers(population, blocks, MARK.seed, marked, turn, weights);
  for (const blocks of ids.dismissed) await markUsers(population, blocks, MARK.dismissed, marked, turn);
  for (const blocks of ids.suppressed) await markUsers(population, blocks, MARK.suppressed, marked, turn);
  markErased(population, marked);
  const roles = assignRoles(filtered, marked);
  const seedWeights = weights.of(roles.seeds);
  return seedWeights ? { ...roles, seedWeights } : roles;
}

/** The weights of seeds by row. Memory is only used if a seed has a weight. */
export class RowWeights {
  readonly #rows: number;
  #weights: Float64Array | null = null;

  constructor(rows: number) {
    this.#rows = rows;
  }

  set(row: number, weight: number): void {
    this.#weights ??= new Float64Array(this.#rows).fill(1);
    this.#weights[row] = weight;
  }

  /** As `relativeWeights`. */
  of(seeds: Int32Array): Float32Array | undefined {
    const weights = this.#weights;
    return weights === null ? undefined : relativeWeights(Float64Array.from(seeds, (row) => weights[row]!));
  }
}

/**
 * Marks the rows of all users erased so far as suppressed, because earlier population versions still contain these
 * users.
 */
export function markErased({ erasures, rowOf }: Population, marked: Uint8Array): void {
  erasures.refresh();
  for (const userNumber of erasures.numbers) {
    const row = rowOf[userNumber] ?? -1;
    if (row >= 0) marked[row] = MARK.suppressed;
  }
}

/** Sets the scores of users erased so far to NaN. `scores` is indexed by user number. */
export function leaveOutErased({ erasures }: Population, scores: Float32Array): void {
  erasures.refresh();
  for (const userNumber of erasures.numbers) if (userNumber < scores.length) scores[userNumber] = Number.NaN;
}

/** Marks the rows of the users in `blocks` who are in the population version, and notes the weights of these users. */
export async function markUsers(
  { directory, rowOf }: Population,
  blocks: IdBlocks,
  mark: number,
  marked: Uint8Array,
  turn: Turn,
  rowWeights: RowWeights | null = null,
): Promise<void> {
  for (const ids of blocks) {
    const { weights } = ids;
    for (let i = 0; i < ids.length; i++) {
      const number = directory.find(ids[i]!);
      const row = number < 0 ? -1 : (rowOf[number] ?? -1);
      if (row < 0) continue;
      marked[row] = mark;
      if (weights !== undefined) rowWeights?.set(row, weights[i]!);
    }
    await turn();
  }
}

/**
 * Returns an array with 1 for each row that a filter excludes, because the user has none of the filter's tokens or has
 * a number outside the filter's range. A filter by a feature or token that is not in this population version matches no
 * user.
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

interface OpenFilter {
  readonly feature: string;
  passes(column: Column | undefined, row: number): boolean;
}

function openFilter(population: Population, feature: string, filter: Filters[string]): OpenFilter {
  if (!('length' in filter)) {
    const isInside = rangeTest(filter);
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
