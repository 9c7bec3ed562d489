/** A population as it is read: the directory, the dictionaries and the segments of one published version. */
import type { Dictionary } from './dictionary.ts';
import type { Directory } from './directory.ts';
import type { Feature } from './schema.ts';
import type { Rows } from './segments.ts';

/** One published version of a population. Immutable. */
export interface Population {
  readonly path: string;
  /** The first 12 hex of a sha256 over the content. */
  readonly version: string;
  readonly features: readonly Feature[];
  /** Users of this version. */
  readonly rowCount: number;
  readonly directory: Directory;
  /** By user number: the row in this version, -1 = not in it. */
  readonly rowOf: Int32Array;
  readonly segmentCount: number;
  /** The dictionary of a feature; a feature that the population does not have is a bug of the caller. */
  dictionary(feature: string): Dictionary;
  /** Rows index * 65,536 onwards. */
  readSegment(index: number): Rows;
  /** Any rows, in the given order. */
  readRows(rows: Int32Array): Rows;
}
