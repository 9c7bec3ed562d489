/** Samples users evenly from a list of unknown length. Whenever the sample is full, every second user is dropped. */

/** A user in a request: an id, or an id with a weight and features. */
export type ListedUser =
  | string
  | {
      readonly user_id: string;
      readonly weight?: number;
      readonly features?: Readonly<Record<string, unknown>>;
    };

/** Maximum number of characters in a sample, which must fit into the storage of the tab. */
const MOST_CHARACTERS = 1_000_000;

export function idOf(user: ListedUser): string {
  return typeof user === 'string' ? user : user.user_id;
}

export class Sample {
  readonly #most: number;
  #users: ListedUser[] = [];
  #characters = 0;
  #step = 1;
  #seen = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(user: ListedUser): void {
    if (this.#seen++ % this.#step !== 0) return;
    this.#users.push(user);
    this.#characters += sizeOf(user);
    if (this.#users.length <= this.#most && this.#characters <= MOST_CHARACTERS) return;
    this.#users = this.#users.filter((_, i) => i % 2 === 0);
    this.#characters = this.#users.reduce((sum, each) => sum + sizeOf(each), 0);
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

function sizeOf(user: ListedUser): number {
  return typeof user === 'string' ? user.length : JSON.stringify(user).length;
}
