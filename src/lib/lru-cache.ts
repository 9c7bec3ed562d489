/** A cache of limited size that evicts the least recently used entry first. */

export interface LruOptions<K, V> {
  /** The maximum size: in entries, or in what `sizeOf` counts. */
  readonly maximum: number;
  /** 1 per entry by default. An entry larger than the maximum is not kept. */
  readonly sizeOf?: (value: V) => number;
  /** Called with each entry that is evicted or deleted. */
  readonly onLeave?: (value: V, key: K) => void;
}

export class LruCache<K, V> {
  readonly #options: LruOptions<K, V>;
  /** In order of use, the most recent last. */
  readonly #kept = new Map<K, V>();
  #size = 0;

  constructor(options: LruOptions<K, V>) {
    this.#options = options;
  }

  /** The current size, in the units of `maximum`. */
  get size(): number {
    return this.#size;
  }

  /** A copy, least recently used first. */
  values(): V[] {
    return [...this.#kept.values()];
  }

  keys(): K[] {
    return [...this.#kept.keys()];
  }

  /** The value if it is kept; this does not count as a use. */
  peek(key: K): V | undefined {
    return this.#kept.get(key);
  }

  /** The value if it is kept, which becomes the most recently used. */
  get(key: K): V | undefined {
    const value = this.#kept.get(key);
    if (value === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, value);
    return value;
  }

  /** Adds a value as the most recently used; an earlier one with the same key is evicted. */
  add(key: K, value: V): void {
    const size = this.#sizeOf(value);
    if (size > this.#options.maximum) return;
    this.delete(key);
    this.#kept.set(key, value);
    this.#size += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#options.maximum) return;
      this.delete(oldest);
    }
  }

  delete(key: K): void {
    const value = this.#kept.get(key);
    if (value === undefined) return;
    this.#kept.delete(key);
    this.#size -= this.#sizeOf(value);
    this.#options.onLeave?.(value, key);
  }

  #sizeOf(value: V): number {
    return this.#options.sizeOf?.(value) ?? 1;
  }
}
