/** Some of many ids, evenly from all over the list: each second one is dropped whenever there are too many. */
export class Sample {
  readonly #most: number;
  #ids: string[] = [];
  #step = 1;
  #seen = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(id: string): void {
    if (this.#seen % this.#step === 0) this.#ids.push(id);
    this.#seen += 1;
    if (this.#ids.length <= this.#most) return;
    this.#ids = this.#ids.filter((_, i) => i % 2 === 0);
    this.#step *= 2;
  }

  /** All of them, where there are no more than wanted. */
  get ids(): readonly string[] {
    return [...this.#ids];
  }

  get isComplete(): boolean {
    return this.#step === 1;
  }
}
