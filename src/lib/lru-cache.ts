/** A cache of limited size: what was not used for the longest time leaves first. */

export interface LruOptions<K, V> {
  /** The most that is kept: entries, or what `sizeOf` counts. */
  readonly maximum: number;
  /** 1 of each entry where it is left out. An entry larger than the maximum is not kept. */
  readonly sizeOf?: (value: V) => number;
  /** Called with each entry that leaves: to make room, or deleted. */
  readonly onLeave?: (value: V, key: K) => void;
}

export class LruCache<K, V> {
  readonly #options: LruOptions<K, V>;
  /** In the order of use, the latest last. */
  readonly #kept = new Map<K, V>();
  #size = 0;

  constructor(options: LruOptions<K, V>) {
    this.#options = options;
  }

  /** What is kept, as `maximum` counts it. */
  get size(): number {
    return this.#size;
  }

  /** A copy, least recently used first. */
  keys(): K[] {
    return [...this.#kept.keys()];
  }

  /** The value if it is kept; asking is no use of it. */
  peek(key: K): V | undefined {
    return this.#kept.get(key);
  }

  /** The value if it is kept, which is then the latest used. */
  get(key: K): V | undefined {
    const value = this.#kept.get(key);
    if (value === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, value);
    return value;
  }

  /** Keeps a value as the latest used; one that was kept under its key leaves. */
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
