/** Creates unique names: a name that is taken gets a number. */

export class UniqueNames {
  readonly #nextNumber = new Map<string, number>();

  /** `base`, or the first of `base_1`, `base_2`, .. that is not taken. */
  give(base: string, isTaken: (name: string) => boolean): string {
    if (!isTaken(base)) return base;
    let number = this.#nextNumber.get(base) ?? 1;
    while (isTaken(`${base}_${number}`)) number++;
    this.#nextNumber.set(base, number + 1);
    return `${base}_${number}`;
  }
}
