/**
 * A growing list of rows (user number, label, optional time) in typed arrays. A row takes 5 bytes, or 13 bytes with a
 * time, and up to twice as much while the list grows.
 */

const FIRST_CAPACITY = 64;

export class RowBuffer {
  #users = new Int32Array(0);
  #labels = new Uint8Array(0);
  /** The times, with NaN for rows without a time; null until a row with a time is added. */
  #times: Float64Array | null = null;
  #count = 0;

  /** Adds a row. `time` is in milliseconds since 1970, or null if unknown. */
  add(user: number, label: 0 | 1, time: number | null = null): void {
    if (this.#count === this.#users.length) this.#grow();
    if (time !== null) this.#times ??= new Float64Array(this.#users.length).fill(Number.NaN);
    if (this.#times) this.#times[this.#count] = time ?? Number.NaN;
    this.#users[this.#count] = user;
    this.#labels[this.#count] = label;
    this.#count++;
  }

  /**
   * Returns the rows added so far in arrays of exactly the right length, with times (NaN if unknown) if any row has a
   * time.
   */
  rows(): { users: Int32Array; labels: Uint8Array; times?: Float64Array } {
    return {
      users: this.#users.slice(0, this.#count),
      labels: this.#labels.slice(0, this.#count),
      ...(this.#times ? { times: this.#times.slice(0, this.#count) } : {}),
    };
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, 2 * this.#count);
    const users = new Int32Array(capacity);
    const labels = new Uint8Array(capacity);
    users.set(this.#users);
    labels.set(this.#labels);
    this.#users = users;
    this.#labels = labels;
    if (this.#times) {
      const times = new Float64Array(capacity).fill(Number.NaN);
      times.set(this.#times);
      this.#times = times;
    }
  }
}
