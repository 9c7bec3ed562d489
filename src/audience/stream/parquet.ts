/** Writes an audience as a Parquet file, one row group at a time. */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { percentileOf } from '../membership.ts';
import type { MemberBlock } from './member-blocks.ts';

type Options = ConstructorParameters<typeof ParquetWriter>[0];
type ColumnData = Parameters<ParquetWriter['write']>[0]['columnData'];

const required = { repetition_type: 'REQUIRED' } as const;
const SCHEMA: Options['schema'] = [
  { name: 'audience', num_children: 4 },
  { name: 'rank', type: 'INT32', ...required },
  { name: 'user_id', type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, ...required },
  { name: 'score', type: 'FLOAT', ...required },
  { name: 'percentile', type: 'DOUBLE', ...required },
];

/**
 * Encodes added members as a Parquet file (Snappy) with the columns rank INT32, user_id STRING, score FLOAT and
 * percentile DOUBLE. The columns contain no nulls. Keeps one row group of `rowGroupRows` rows in memory and, for the
 * footer, about 600 bytes for each earlier row group.
 */
export class ParquetEncoder {
  readonly #rowGroupRows: number;
  readonly #bytes = new ByteWriter();
  readonly #file = new ParquetWriter({ writer: this.#bytes, schema: SCHEMA, createdBy: 'metaheac' });
  #rows: RowGroup;

  constructor(rowGroupRows: number) {
    this.#rowGroupRows = rowGroupRows;
    this.#rows = new RowGroup(rowGroupRows);
  }

  /** Adds members. Returns the row groups that are now complete (usually none), in newly allocated memory. */
  add(block: MemberBlock): Uint8Array {
    for (let from = 0; from < block.ranks.length; ) {
      from += this.#rows.take(block, from);
      if (this.#rows.count === this.#rowGroupRows) this.#writeGroup();
    }
    return this.#take();
  }

  /** Returns the last row group and the footer. */
  end(): Uint8Array {
    if (this.#rows.count > 0) this.#writeGroup();
    this.#file.finish();
    return this.#take();
  }

  #writeGroup(): void {
    const { count } = this.#rows;
    this.#file.write({ columnData: this.#rows.columns(), rowGroupSize: count });
    this.#rows = new RowGroup(this.#rowGroupRows);
  }

  /** Returns the bytes written since the last call. File offsets are not reset. */
  #take(): Uint8Array {
    const taken = this.#bytes.getBytes().slice();
    this.#bytes.index = 0;
    return taken;
  }
}

/** The columns of one row group, which are filled member by member. */
class RowGroup {
  count = 0;
  readonly #ranks: Int32Array;
  readonly #ids: Uint8Array[] = [];
  readonly #scores: Float32Array;
  readonly #percentiles: Float64Array;

  constructor(rows: number) {
    this.#ranks = new Int32Array(rows);
    this.#scores = new Float32Array(rows);
    this.#percentiles = new Float64Array(rows);
  }

  /**
   * Adds members of the block, starting at `from`, until the row group is full. Returns the number of members added.
   */
  take({ ranks, ids: { bytes, ends }, scores, candidates }: MemberBlock, from: number): number {
    const taken = Math.min(ranks.length - from, this.#ranks.length - this.count);
    for (let i = from; i < from + taken; i++, this.count++) {
      this.#ranks[this.count] = ranks[i]!;
      this.#ids.push(bytes.subarray(i === 0 ? 0 : ends[i - 1]!, ends[i]!));
      this.#scores[this.count] = scores[i]!;
      this.#percentiles[this.count] = percentileOf(ranks[i]!, candidates);
    }
    return taken;
  }

  /**
   * The schema of a row group. Encodings are set explicitly, because the writer would otherwise try a dictionary first.
   */
  columns(): ColumnData {
    const all = <T extends { subarray(from: number, to: number): T }>(column: T) => column.subarray(0, this.count);
    return [
      { name: 'rank', data: all(this.#ranks), encoding: 'DELTA_BINARY_PACKED' },
      { name: 'user_id', data: this.#ids, encoding: 'PLAIN', statistics: false },
      { name: 'score', data: all(this.#scores), encoding: 'PLAIN' },
      { name: 'percentile', data: all(this.#percentiles), encoding: 'PLAIN' },
    ];
  }
}
