/** Segments: the columns of a population, 65,536 rows a file, as Arrow IPC. */

/** The codes of one feature. `offsets[0]` is 0 and row i has `codes[offsets[i] .. offsets[i + 1])`. */
export type Column =
  | { readonly kind: 'single'; readonly codes: Int32Array }
  | { readonly kind: 'multi'; readonly offsets: Int32Array /* rows + 1 */; readonly codes: Int32Array };

/** A segment, or any rows gathered. */
export interface Rows {
  readonly count: number;
  readonly userNumbers: Int32Array;
  readonly columns: ReadonlyMap<string, Column>;
}
