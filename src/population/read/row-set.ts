/** A set of row numbers, stored as one bit per row. */
export class RowSet {
  #bits = new Uint8Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(row: number): boolean {
    const byte = this.#bits[Math.floor(row / 8)];
    return byte !== undefined && (byte & (1 << (row % 8))) !== 0;
  }

  add(row: number): void {
    const at = Math.floor(row / 8);
    if (at >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(2 * this.#bits.length, at + 1));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    if (this.has(row)) return;
    this.#bits[at]! |= 1 << (row % 8);
    this.#size += 1;
  }

  /** The row numbers in ascending order. */
  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < this.#bits.length; at++) {
      for (let bit = 0; this.#bits[at]! >> bit > 0; bit++) if (this.#bits[at]! & (1 << bit)) yield 8 * at + bit;
    }
  }
}
