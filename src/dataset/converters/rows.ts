/** Rows of interactions.csv, and the random draw of a campaign's non-members. */

import { type Rng, sample } from '../../lib/rng.ts';
import { quoteCsv } from '../../lib/text/csv.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import { formatMoment } from '../times.ts';

/** Draws random users who are not members of a campaign. */
export class Others {
  readonly #isPresent: Uint8Array;
  readonly #present: number;
  readonly #marks: Int32Array;
  #mark = 0;

  /** Only users with `isPresent` = 1 are drawn. */
  constructor(isPresent: Uint8Array) {
    this.#isPresent = isPresent;
    this.#present = isPresent.reduce((sum, x) => sum + x, 0);
    this.#marks = new Int32Array(isPresent.length);
  }

  /** Draws up to `count` distinct users who are present and not among `members`. Returns them in ascending order. */
  draw(members: Int32Array, count: number, rng: Rng): Int32Array {
    const mark = ++this.#mark;
    for (const user of members) this.#marks[user] = mark;
    const available = this.#present - members.length;
    if (2 * count >= available) {
      const all = Int32Array.from(this.#isPresent.keys()).filter((user) => this.#isFree(user, mark));
      return sample(rng, all, count).sort();
    }
    const drawn = new Int32Array(count);
    for (let i = 0; i < count; ) {
      const user = rng.integer(this.#marks.length);
      if (!this.#isFree(user, mark)) continue;
      this.#marks[user] = mark;
      drawn[i++] = user;
    }
    return drawn.sort();
  }

  #isFree(user: number, mark: number): boolean {
    return this.#isPresent[user] === 1 && this.#marks[user] !== mark;
  }
}

/**
 * Lines of interactions.csv for one campaign. If `times` is given, each line ends with the user's time or an empty
 * field.
 */
export function* rowsOf(
  campaign: string,
  users: TextTable,
  numbers: Iterable<number>,
  rest: string,
  times: ReadonlyMap<number, number> | null = null,
): Generator<string> {
  const id = quoteCsv(campaign);
  const timeOf = (user: number): string => {
    if (times === null) return '';
    const time = times.get(user);
    return time === undefined ? ',' : `,${formatMoment(time)}`;
  };
  for (const user of numbers) yield `${id},${quoteCsv(users.text(user))},${rest}${timeOf(user)}\n`;
}
