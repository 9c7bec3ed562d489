/**
 * Counts the users of the served population version by value of a feature. The counts of the first request are cached.
 */
import { setImmediate } from 'node:timers/promises';
import { untilRead } from '../../domain/ports/blobs.ts';
import { isTokenColumn, type Population, startOf } from '../../population/read.ts';

export class ValueCounts {
  readonly #served: () => Population;
  /** The version that was counted for `#counts`. */
  #version = '';
  readonly #counts = new Map<string, Promise<Uint32Array>>();

  /** `served` returns the version that is served at the time of the call; a version never changes. */
  constructor(served: () => Population) {
    this.#served = served;
  }

  /**
   * Number of users by code of the value, `[dictionary size]`; other requests are served between segments. @throws
   * AppError invalid_population
   */
  of(feature: string): Promise<Uint32Array> {
    const population = this.#served();
    if (population.version !== this.#version) this.#counts.clear();
    this.#version = population.version;
    const known = this.#counts.get(feature);
    if (known !== undefined) return known;
    const counted = countUsers(population, feature);
    counted.catch(() => this.#counts.delete(feature));
    this.#counts.set(feature, counted);
    return counted;
  }
}

async function countUsers(population: Population, feature: string): Promise<Uint32Array> {
  const { size } = population.dictionary(feature);
  const users = new Uint32Array(size);
  // a user counts once even if a list repeats a value
  const lastRow = new Int32Array(size).fill(-1);
  let firstRow = 0;
  for (let index = 0; index < population.segmentCount; index++) {
    const { count, columns } = await untilRead(() => population.readSegment(index));
    const column = columns.get(feature)!;
    if (!isTokenColumn(column)) return users;
    for (let row = 0; row < count; row++) {
      const end = startOf(column, row + 1);
      for (let at = startOf(column, row); at < end; at++) {
        const code = column.codes[at]!;
        if (lastRow[code] === firstRow + row) continue;
        lastRow[code] = firstRow + row;
        users[code] = users[code]! + 1;
      }
    }
    firstRow += count;
    await setImmediate();
  }
  return users;
}
