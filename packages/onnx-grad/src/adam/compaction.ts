/**
 * Compact embedding tables. They contain only the rows that the given batches look up, and each look-up is replaced by
 * positions in these rows.
 */

import { assert, OnnxGradError } from '../errors.ts';
import type { Graph } from '../graph/ir.ts';
import { elementCount, type Tensor } from '../graph/tensor.ts';
import type { CutTable, TableCut } from '../rewrite/cut-tables.ts';
import { inOwnMemory } from '../session/feed-rows.ts';
import type { Feeds, Session } from '../session/session.ts';

export type Parameters = ReadonlyMap<string, Tensor>;

/**
 * Reads the indices of look-ups. Indices that are inputs are read directly; all others are computed by the index graph
 * of a cut.
 */
export interface IndexReader {
  read(feeds: Feeds): Promise<Feeds>;
}

export function indexReader(indexGraph: Graph, session: Session | null): IndexReader {
  const computed = indexGraph.outputs.filter((name) => !indexGraph.inputs.includes(name));
  return {
    async read(feeds) {
      const out: Record<string, Tensor> = {};
      for (const name of indexGraph.outputs) if (feeds[name]) out[name] = feeds[name];
      if (computed.length > 0) {
        assert(session, 'an index graph with nodes needs a session');
        Object.assign(out, await session.run(feeds, { outputs: computed }));
      }
      return out;
    },
  };
}

/** Whether reading the indices needs a session, because some of them are computed. */
export function needsIndexSession(indexGraph: Graph): boolean {
  return indexGraph.outputs.some((name) => !indexGraph.inputs.includes(name));
}

export interface Compaction {
  /** The parameters, with compact tables instead of full ones. */
  readonly parameters: Parameters;
  /** For each table, the ascending numbers of the rows that the compact table keeps, by table name. */
  readonly rows: ReadonlyMap<string, Int32Array>;
  /** The feeds of the compact graph that contain the positions to look up, one set of feeds per batch. */
  readonly places: readonly Feeds[];
  /**
   * Returns the full parameters, with the rows of `adapted` written back. Rows that no batch uses keep their values.
   */
  restore(adapted: Parameters): Map<string, Tensor>;
}

/**
 * Reduces tables to the rows that at least one of `batches` uses. An index outside the table causes an
 * `index_out_of_range` error.
 */
export async function compact(
  cut: TableCut,
  parameters: Parameters,
  reader: IndexReader,
  batches: readonly Feeds[],
): Promise<Compaction> {
  const indices: Feeds[] = [];
  for (const batch of batches) indices.push(cut.tables.length > 0 ? await reader.read(batch) : {});
  const places: Record<string, Tensor>[] = batches.map(() => ({}));
  const rows = new Map<string, Int32Array>();
  const tables = new Set(cut.tables.map(({ parameter }) => parameter));
  const compacted = new Map(
    [...parameters].map(([name, value]): [string, Tensor] => [name, tables.has(name) ? value : inOwnMemory(value)]),
  );
  for (const table of cut.tables) {
    const used = indices.map((values) => table.lookups.map(({ index }) => rowsRead(table, values[index]!)));
    const { list, place } = numberRows(table.rows, used.flat());
    rows.set(table.parameter, list);
    compacted.set(table.parameter, takeRows(parameters.get(table.parameter)!, list));
    for (const [i, values] of indices.entries()) {
      for (const [l, { index, input }] of table.lookups.entries()) {
        const data = used[i]![l]!;
        for (let j = 0; j < data.length; j++) data[j] = place[data[j]!]!;
        places[i]![input] = { dtype: 'int32', shape: values[index]!.shape, data };
      }
    }
  }
  return {
    parameters: compacted,
    rows,
    places,
    restore(adapted) {
      const out = new Map<string, Tensor>();
      for (const [name, full] of parameters) {
        const list = rows.get(name);
        out.set(name, list ? putRows(full, list, adapted.get(name)!) : adapted.get(name)!);
      }
      return out;
    },
  };
}

/** Returns the rows that a look-up reads, in a new array. Negative indices count from the end, as in ONNX. */
function rowsRead({ parameter, rows }: CutTable, { data }: Tensor): Int32Array {
  const indices = data instanceof Int32Array ? data : Float64Array.from(data as ArrayLike<number>, Number);
  const out = new Int32Array(indices.length);
  for (let j = 0; j < out.length; j++) {
    const index = indices[j]!;
    const row = index < 0 ? index + rows : index;
    if (!(row >= 0 && row < rows))
      throw new OnnxGradError('index_out_of_range', `index ${index} is outside table "${parameter}" of ${rows} rows`);
    out[j] = row;
  }
  return out;
}

/** The used rows in ascending order, and the position of every row among the used rows (-1 for an unused row). */
function numberRows(rows: number, used: readonly Int32Array[]): { list: Int32Array; place: Int32Array } {
  const place = new Int32Array(rows).fill(-1);
  let count = 0;
  for (const part of used) {
    for (let j = 0; j < part.length; j++) {
      if (place[part[j]!] === 0) continue;
      place[part[j]!] = 0;
      count += 1;
    }
  }
  const list = new Int32Array(count);
  for (let row = 0, at = 0; row < rows; row++) {
    if (place[row] === -1) continue;
    place[row] = at;
    list[at++] = row;
  }
  return { list, place };
}

/** Returns copies of the given rows of a table, in the given order. */
export function takeRows(full: Tensor, rows: Int32Array): Tensor {
  const width = elementCount(full.shape.slice(1));
  const data = new Float32Array(rows.length * width);
  const source = full.data as Float32Array;
  for (let i = 0; i < rows.length; i++) data.set(source.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width);
  return { dtype: full.dtype, shape: [rows.length, ...full.shape.slice(1)], data };
}

/** A copy of `full` with the given `rows` replaced by the rows of `changed`. */
export function putRows(full: Tensor, rows: Int32Array, changed: Tensor): Tensor {
  const width = elementCount(full.shape.slice(1));
  const data = (full.data as Float32Array).slice();
  const source = changed.data as Float32Array;
  for (let i = 0; i < rows.length; i++) data.set(source.subarray(i * width, (i + 1) * width), rows[i]! * width);
  return { dtype: full.dtype, shape: full.shape, data };
}
