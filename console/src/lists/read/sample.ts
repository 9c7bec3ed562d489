/** Samples ids evenly from a list of unknown length. Whenever the sample is full, every second id is dropped. */
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

  /** Returns the sample, which contains all ids if the list is short. */
  get ids(): readonly string[] {
    return [...this.#ids];
  }

  get isComplete(): boolean {
    return this.#step === 1;
  }
}
