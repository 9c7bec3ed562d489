/** Writes an audience, or the differences between two audiences, as a Parquet file, one row group at a time. */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { GatheredTexts } from '../../lib/text/text-table.ts';
import { percentileOf } from '../membership.ts';
import type { MemberBlock } from '../page.ts';
import type { ChangeBlock } from './member-blocks.ts';

type Options = ConstructorParameters<typeof ParquetWriter>[0];
type ColumnData = Parameters<ParquetWriter['write']>[0]['columnData'];

const required = { repetition_type: 'REQUIRED' } as const;
const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, ...required } as const;
const MEMBERS: Options['schema'] = [
  { name: 'audience', num_children: 4 },
  { name: 'rank', type: 'INT32', ...required },
  { name: 'user_id', ...text },
  { name: 'score', type: 'FLOAT', ...required },
  { name: 'percentile', type: 'DOUBLE', ...required },
];
const CHANGES: Options['schema'] = [
  { name: 'changes', num_children: 2 },
  { name: 'change', ...text },
  { name: 'user_id', ...text },
];

/** The columns of one row group, which are filled row by row. */
interface RowGroup<Block> {
  /** Adds the row `i` of a block. */
  add(block: Block, i: number): void;
  columns(): ColumnData;
}

/**
 * Encodes members (Snappy) with the columns rank INT32, user_id STRING, score FLOAT and percentile DOUBLE. The columns
 * contain no nulls. Keeps one row group of `rowGroupRows` rows in memory and, for the footer, about 600 bytes for each
 * earlier row group.
 */
export function parquetMembers(rowGroupRows: number): ParquetEncoder<MemberBlock> {
  return new ParquetEncoder(MEMBERS, rowGroupRows, (rows) => new MemberGroup(rows));
}

/** Encodes the differences between two audiences, with the columns change (`removed` or `added`) and user_id STRING. */
export function parquetChanges(rowGroupRows: number): ParquetEncoder<ChangeBlock> {
  return new ParquetEncoder(CHANGES, rowGroupRows, () => new ChangeGroup());
}

/** Encodes blocks as a Parquet file incrementally. */
class ParquetEncoder<Block extends MemberBlock | ChangeBlock> {
  readonly #rowGroupRows: number;
  readonly #bytes = new ByteWriter();
  readonly #file: ParquetWriter;
  readonly #create: (rows: number) => RowGroup<Block>;
  #rows: RowGroup<Block>;
  #count = 0;

  constructor(schema: Options['schema'], rowGroupRows: number, create: (rows: number) => RowGroup<Block>) {
    this.#rowGroupRows = rowGroupRows;
    this.#file = new ParquetWriter({ writer: this.#bytes, schema, createdBy: 'metaheac' });
    this.#create = create;
    this.#rows = create(rowGroupRows);
  }

  /** Adds rows. Returns the row groups that are now complete (usually none), in newly allocated memory. */
  add(block: Block): Uint8Array {
    for (let i = 0; i < block.ids.ends.length; i++) {
      this.#rows.add(block, i);
      this.#count++;
      if (this.#count === this.#rowGroupRows) this.#writeGroup();
    }
    return this.#take();
  }

  /** Returns the last row group and the footer. */
  end(): Uint8Array {
    if (this.#count > 0) this.#writeGroup();
    this.#file.finish();
    return this.#take();
  }

  #writeGroup(): void {
    this.#file.write({ columnData: this.#rows.columns(), rowGroupSize: this.#count });
    this.#rows = this.#create(this.#rowGroupRows);
    this.#count = 0;
  }

  /** Returns the bytes written since the last call. File offsets are not reset. */
  #take(): Uint8Array {
    const taken = this.#bytes.getBytes().slice();
    this.#bytes.index = 0;
    return taken;
  }
}

/** Encodings are set explicitly; by default, the writer would try a dictionary first. */
class MemberGroup implements RowGroup<MemberBlock> {
  readonly #ranks: Int32Array;
  readonly #ids: Uint8Array[] = [];
  readonly #scores: Float32Array;
  readonly #percentiles: Float64Array;

  constructor(rows: number) {
    this.#ranks = new Int32Array(rows);
    this.#scores = new Float32Array(rows);
    this.#percentiles = new Float64Array(rows);
  }

  add({ ranks, ids, scores, candidates }: MemberBlock, i: number): void {
    const at = this.#ids.length;
    this.#ranks[at] = ranks[i]!;
    this.#ids.push(textAt(ids, i));
    this.#scores[at] = scores[i]!;
    this.#percentiles[at] = percentileOf(ranks[i]!, candidates);
  }

  columns(): ColumnData {
    const all = <T extends { subarray(from: number, to: number): T }>(column: T) =>
      column.subarray(0, this.#ids.length);
    return [
      { name: 'rank', data: all(this.#ranks), encoding: 'DELTA_BINARY_PACKED' },
      { name: 'user_id', data: this.#ids, encoding: 'PLAIN', statistics: false },
      { name: 'score', data: all(this.#scores), encoding: 'PLAIN' },
      { name: 'percentile', data: all(this.#percentiles), encoding: 'PLAIN' },
    ];
  }
}

class ChangeGroup implements RowGroup<ChangeBlock> {
  readonly #changes: string[] = [];
  readonly #ids: Uint8Array[] = [];

  add({ change, ids }: ChangeBlock, i: number): void {
    this.#changes.push(change);
    this.#ids.push(textAt(ids, i));
  }

  columns(): ColumnData {
    return [
      { name: 'change', data: this.#changes },
      { name: 'user_id', data: this.#ids, encoding: 'PLAIN', statistics: false },
    ];
  }
}

function textAt({ bytes, ends }: GatheredTexts, i: number): Uint8Array {
  return bytes.subarray(i === 0 ? 0 : ends[i - 1]!, ends[i]!);
}
