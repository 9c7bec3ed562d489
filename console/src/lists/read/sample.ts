/** Samples users evenly from a list of unknown length. Whenever the sample is full, every second user is dropped. */

/** A user in a request: an id, or an id with a weight. */
export type ListedUser = string | { readonly user_id: string; readonly weight: number };

export function idOf(user: ListedUser): string {
  return typeof user === 'string' ? user : user.user_id;
}

export class Sample {
  readonly #most: number;
  #users: ListedUser[] = [];
  #step = 1;
  #seen = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(user: ListedUser): void {
    if (this.#seen % this.#step === 0) this.#users.push(user);
    this.#seen += 1;
    if (this.#users.length <= this.#most) return;
    this.#users = this.#users.filter((_, i) => i % 2 === 0);
    this.#step *= 2;
  }

  /** Returns the sample, which contains all users if the list is short. */
  get users(): readonly ListedUser[] {
    return [...this.#users];
  }

  get isComplete(): boolean {
    return this.#step === 1;
  }
}
