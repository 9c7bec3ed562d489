/** Rows that an import leaves out: a limited number of bad rows, and rows replaced by a later row of the same user. */
import { AppError, assert } from '../../lib/errors.ts';
import type { RowSet } from '../read/row-set.ts';

/** What to do with users who have several rows. */
export type Duplicates = 'error' | 'last';

/** Maximum number of bad rows that an error lists. */
export const WORST_ROWS = 10;

/** Collects errors of rows. Too many errors end the import. */
export class BadRows {
  readonly maximum: number;
  readonly worst: AppError[] = [];
  #count = 0;

  constructor(maximum: number) {
    this.maximum = maximum;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds an error, and throws the collected errors if there are too many. */
  add(error: AppError): void {
    this.addAll([error]);
  }

  /** Like `add`, but for several errors. If there are too many, the thrown error counts all of them. */
  addAll(errors: readonly AppError[]): void {
    this.#count += errors.length;
    this.worst.push(...errors.slice(0, WORST_ROWS - this.worst.length));
    if (this.#count > this.maximum) throw this.#refusal();
  }

  #refusal(): AppError {
    const [first] = this.worst;
    assert(first, 'there is a bad row');
    if (this.worst.length === 1 && this.maximum === 0) return first;
    const lines = this.worst.map(({ message }) => `\n  ${message}`).join('');
    return new AppError(
      'invalid_data',
      `${this.maximum === 0 ? 'rows' : `more than ${this.maximum} rows`} are bad:${lines}`,
      {
        details: this.worst.flatMap(({ details }) => details),
      },
    );
  }
}

/** Finds the rows that are replaced by a later row of the same user, in one pass. */
export class LastRows {
  readonly #rows: number[] = [];

  /**
   * Records `row` as the latest row of the user `number`. Adds the user's previous row, if there is one, to `replaced`.
   */
  see(number: number, row: number, replaced: RowSet): void {
    const before = this.#rows[number];
    if (before !== undefined) replaced.add(before);
    this.#rows[number] = row;
  }
}
