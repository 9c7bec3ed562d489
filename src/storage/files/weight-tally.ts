/** Summarises the weights of a set of any size in constant memory. */
import type { IdBlock } from '../../domain/id-blocks.ts';
import type { WeightSummary } from '../../domain/user-sets.ts';

/** Weights are grouped by their first digits. Within the limits of weights, this gives several thousand groups. */
const DIGITS = 3;

export class WeightTally {
  readonly #users = new Map<number, number>();
  #total = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  add(userIds: IdBlock): void {
    const { length, weights } = userIds;
    this.#total += length;
    if (weights === undefined) this.#count(1, length);
    else for (const weight of weights) this.#count(weight, 1);
  }

  /** Null if all weights are 1. */
  summary(): WeightSummary | null {
    const [min, max] = [this.#min, this.#max];
    if (this.#total === 0 || (min === 1 && max === 1)) return null;
    const sorted = [...this.#users].sort(([a], [b]) => a - b);
    let below = 0;
    const [median] = sorted.find(([, users]) => {
      below += users;
      return 2 * below >= this.#total;
    })!;
    return { min, median: Math.min(Math.max(median, min), max), max, distinct: sorted.length };
  }

  #count(weight: number, users: number): void {
    if (users === 0) return;
    this.#min = Math.min(this.#min, weight);
    this.#max = Math.max(this.#max, weight);
    const rounded = Number(weight.toPrecision(DIGITS));
    this.#users.set(rounded, (this.#users.get(rounded) ?? 0) + users);
  }
}
