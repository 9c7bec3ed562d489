/** Creates unique names by appending a number to a name that is already in use. */

export class UniqueNames {
  readonly #nextNumber = new Map<string, number>();

  /** Returns `base`, or the first of `base_1`, `base_2`, .. that is not in use. */
  give(base: string, isTaken: (name: string) => boolean): string {
    if (!isTaken(base)) return base;
    let number = this.#nextNumber.get(base) ?? 1;
    while (isTaken(`${base}_${number}`)) number++;
    this.#nextNumber.set(base, number + 1);
    return `${base}_${number}`;
  }
}
