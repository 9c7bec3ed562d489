/** Finds the role of each user in an expansion by the rules in `domain/roles.ts`. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Filters } from '../domain/features.ts';
import type { IdBlocks } from '../domain/id-blocks.ts';
import { assignRoles, MARK, type Roles, rangeTest, relativeWeights } from '../domain/roles.ts';
import type { SpecialCategory } from '../lib/special-categories.ts';
import {
  type AddedRows,
  type Column,
  isTokenColumn,
  PAST_CAMPAIGNS,
  type Population,
  readAddedRows,
  startOf,
} from '../population/read.ts';

/** The user ids that determine the roles in an expansion, by set. */
export interface RoleIds {
  readonly seeds: readonly IdBlocks[];
  readonly dismissed: readonly IdBlocks[];
  readonly suppressed: readonly IdBlocks[];
}

/** Seeds who are not in the population version, sorted by their features, so the order does not depend on ids. */
export interface SeedRows extends AddedRows {
  /** The sha256 of the features that the campaign may use. */
  readonly sha256: string;
  /** The rows that do not pass the filters, ascending. */
  readonly filtered: Int32Array;
}

/** The roles of all users. `seedWeights` contains the weights of the seeds, followed by those of `seedRows`. */
export interface FoundRoles extends Roles {
  /**
   * Absent if no seed with features is missing from the population version. A seed with features who is in it counts
   * like any other seed.
   */
  readonly seedRows?: SeedRows;
}

/** Lets other work run. An exception from this function ends the search for roles. */
export type Turn = () => Promise<void>;

/**
 * Finds the role of each row. Erased users are suppressed. Ids that are not in this population version are ignored
 * unless they are seeds with features. The search uses two bytes of memory per row in addition to the result. After
 * each block of ids and each segment, other work (such as renewing leases) can run, and `onTurn` is called. An
 * exception from `onTurn` ends the search.
 * @throws AppError storage_failed (a set's file is gone or altered), invalid_population
 */
export async function findRoles(
  population: Population,
  ids: RoleIds,
  filters: Filters,
  onTurn: () => void = () => {},
  category: SpecialCategory | null = null,
): Promise<FoundRoles> {
  const turn = async () => {
    await setImmediate();
    onTurn();
  };
  const filtered = await findFiltered(population, filters, turn);
  const marked = new Uint8Array(population.rowCount);
  const weights = new RowWeights(population.rowCount);
  const absent = new Map<string, AbsentSeed>();
  const add: OnAbsent = (userId, weight, features) => {
    if (features !== undefined) absent.set(userId, { features, weight });
  };
  const remove: OnAbsent = (userId) => absent.delete(userId);
  for (const blocks of ids.seeds)
    await markUsers(population, blocks, MARK.seed, marked, turn, { weights, onAbsent: add });
  for (const blocks of ids.dismissed)
    await markUsers(population, blocks, MARK.dismissed, marked, turn, { onAbsent: remove });
  for (const blocks of ids.suppressed)
    await markUsers(population, blocks, MARK.suppressed, marked, turn, { onAbsent: remove });
  markErased(population, marked);
  const roles = assignRoles(filtered, marked);
  return addSeedRows(population, roles, { weights, absent: absent.values(), filters, category }, turn);
}

/** A seed who is not in the population version. */
export interface AbsentSeed {
  /** As JSON. */
  readonly features: string;
  readonly weight: number;
}

interface SeedInputs {
  readonly weights: RowWeights;
  readonly absent: Iterable<AbsentSeed>;
  readonly filters: Filters;
  readonly category: SpecialCategory | null;
}

/** Adds the weights of all seeds to `roles`, and the rows of the seeds who are not in the population version. */
export async function addSeedRows(
  population: Population,
  roles: Roles,
  { weights, absent, filters, category }: SeedInputs,
  turn: Turn,
): Promise<FoundRoles> {
  const learnedFrom = maskedJson(population, category);
  const rows = [...absent].map((seed) => ({ ...seed, learned: learnedFrom(seed.features) })).sort(byFeatures);
  const seedWeights = weights.of(roles.seeds, rows);
  return {
    ...roles,
    ...(seedWeights && { seedWeights }),
    ...(rows.length > 0 && { seedRows: await readSeedRows(population, rows, filters, turn) }),
  };
}

interface LearnedSeed extends AbsentSeed {
  /** The features that the ranking may depend on: those that the campaign's category does not exclude. */
  readonly learned: string;
}

type OnAbsent = (userId: string, weight: number, features: string | undefined) => void;

function byFeatures(a: LearnedSeed, b: LearnedSeed): number {
  if (a.learned !== b.learned) return a.learned < b.learned ? -1 : 1;
  if (a.weight !== b.weight) return a.weight - b.weight;
  return a.features < b.features ? -1 : 1;
}

/** Removes features and past campaigns that the category excludes. */
function maskedJson({ features, specialCampaigns }: Population, category: SpecialCategory | null) {
  if (category === null) return (json: string) => json;
  const isExcluded = new Set(
    features.flatMap(({ name, excludedFor = [] }) => (excludedFor.includes(category) ? [name] : [])),
  );
  const campaigns = new Set<unknown>(specialCampaigns[category]);
  return (json: string) => {
    const entries = Object.entries(JSON.parse(json) as Record<string, unknown>).filter(
      ([name]) => !isExcluded.has(name),
    );
    const kept = entries.map(([name, value]) =>
      name === PAST_CAMPAIGNS && Array.isArray(value)
        ? [name, value.filter((item) => !campaigns.has(item))]
        : [name, value],
    );
    return JSON.stringify(Object.fromEntries(kept));
  };
}

async function readSeedRows(
  population: Population,
  seeds: readonly LearnedSeed[],
  filters: Filters,
  turn: Turn,
): Promise<SeedRows> {
  const users = seeds.map(({ features }) => features);
  const learned = seeds.map(({ learned }) => learned).join('\n');
  const { firstRow, rows } = await readAddedRows(population, users, turn);
  const wanted = Object.entries(filters).map(([feature, filter]) => openFilter(population, feature, filter));
  const passes = (i: number) => wanted.every(({ feature, passes }) => passes(rows.columns.get(feature), i));
  const filtered = Int32Array.from(
    [...users.keys()].filter((i) => !passes(i)),
    (i) => firstRow + i,
  );
  return { firstRow, rows, filtered, sha256: createHash('sha256').update(learned).digest('hex') };
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

  /** The weights of `seeds`, followed by those of `absent`, scaled by `relativeWeights`. */
  of(seeds: Int32Array, absent: readonly AbsentSeed[] = []): Float32Array | undefined {
    const weights = this.#weights;
    if (weights === null && absent.every(({ weight }) => weight === 1)) return undefined;
    const own = Array.from(seeds, (row) => weights?.[row] ?? 1);
    return relativeWeights(Float64Array.from([...own, ...absent.map(({ weight }) => weight)]));
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

/**
 * Marks the rows of users in `blocks` who are in the population version, and records their weights. Calls `onAbsent`
 * for all other users.
 */
export async function markUsers(
  { directory, rowOf }: Population,
  blocks: IdBlocks,
  mark: number,
  marked: Uint8Array,
  turn: Turn,
  { weights: rowWeights, onAbsent }: { readonly weights?: RowWeights; readonly onAbsent?: OnAbsent } = {},
): Promise<void> {
  for (const ids of blocks) {
    const { weights, features } = ids;
    for (let i = 0; i < ids.length; i++) {
      const number = directory.find(ids[i]!);
      const row = number < 0 ? -1 : (rowOf[number] ?? -1);
      if (row < 0) {
        onAbsent?.(ids[i]!, weights?.[i] ?? 1, features?.[i]);
        continue;
      }
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
