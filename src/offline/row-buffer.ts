/** Growing rows of (user number, label) in typed arrays: 5 bytes per row, at most twice that while growing. */

const FIRST_CAPACITY = 64;

/** Rows added one by one. */
export class RowBuffer {
  #users = new Int32Array(0);
  #labels = new Uint8Array(0);
  #count = 0;

  add(user: number, label: 0 | 1): void {
    if (this.#count === this.#users.length) this.#grow();
    this.#users[this.#count] = user;
    this.#labels[this.#count] = label;
    this.#count++;
  }

  /** The rows so far, copied to their size. */
  rows(): { users: Int32Array; labels: Uint8Array } {
    return { users: this.#users.slice(0, this.#count), labels: this.#labels.slice(0, this.#count) };
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, 2 * this.#count);
    const users = new Int32Array(capacity);
    const labels = new Uint8Array(capacity);
    users.set(this.#users);
    labels.set(this.#labels);
    this.#users = users;
    this.#labels = labels;
  }
}
