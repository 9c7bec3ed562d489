/** Blocks of user ids, with the weights and features that were sent with them. */

export interface IdBlock extends ReadonlyArray<string> {
  /** The weight of each id; if absent, every id has weight 1. */
  readonly weights?: readonly number[];
  /** The features of each user as JSON, or undefined for an id without features; absent if no id has features. */
  readonly features?: readonly (string | undefined)[];
}

/** Blocks of user ids in ascending order of UTF-16 code units, without duplicates. Blocks may be empty. */
export type IdBlocks = Iterable<IdBlock>;

/** Attaches weights and features, if given, to `userIds`. */
export function withWeights(
  userIds: string[],
  weights: IdBlock['weights'] | undefined,
  features?: IdBlock['features'],
): IdBlock {
  return Object.assign(userIds, weights && { weights }, features && { features });
}

/** Collects ids into a block. */
export class BlockBuilder {
  readonly #userIds: string[] = [];
  /** Undefined until an id has a weight other than 1. */
  #weights: number[] | undefined;
  /** Undefined until an id has features. */
  #features: (string | undefined)[] | undefined;

  get length(): number {
    return this.#userIds.length;
  }

  add(userId: string, weight: number, features: string | undefined): void {
    this.#userIds.push(userId);
    this.#set(weight, features);
  }

  /** Replaces the weight and the features of the last id. */
  replaceLast(weight: number, features: string | undefined): void {
    this.#weights?.pop();
    this.#features?.pop();
    this.#set(weight, features);
  }

  block(): IdBlock {
    return withWeights(this.#userIds, this.#weights, this.#features);
  }

  #set(weight: number, features: string | undefined): void {
    const before = this.#userIds.length - 1;
    if (weight !== 1) this.#weights ??= new Array(before).fill(1);
    this.#weights?.push(weight);
    if (features !== undefined) this.#features ??= new Array(before).fill(undefined);
    this.#features?.push(features);
  }
}

export function weightAt({ weights }: IdBlock, i: number): number {
  return weights?.[i] ?? 1;
}

/** Returns part of a block with the weights and features of its ids. */
export function sliceBlock(block: IdBlock, from: number, to?: number): IdBlock {
  return withWeights(block.slice(from, to), block.weights?.slice(from, to), block.features?.slice(from, to));
}
