/** An audience as a Parquet file, one row group at a time. */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { AudienceItem } from './page.ts';

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
 * The bytes of a Parquet file (Snappy) of the members in `pages`: columns rank INT32, user_id STRING, score FLOAT,
 * percentile DOUBLE, none null. Memory holds one row group of `rowGroupRows`, and some 600 bytes of each previous one
 * for the footer.
 */
export async function* parquetOf(
  pages: AsyncIterable<readonly AudienceItem[]>,
  rowGroupRows: number,
): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  const file = new ParquetWriter({ writer: bytes, schema: SCHEMA, createdBy: 'metaheac' });
  let rows: AudienceItem[] = [];
  for await (const page of pages) {
    for (let from = 0; from < page.length; ) {
      const taken = Math.min(page.length - from, rowGroupRows - rows.length);
      rows = rows.concat(page.slice(from, from + taken));
      from += taken;
      if (rows.length < rowGroupRows) continue;
      file.write({ columnData: columnsOf(rows), rowGroupSize: rows.length });
      rows = [];
      yield take(bytes);
    }
  }
  if (rows.length > 0) file.write({ columnData: columnsOf(rows), rowGroupSize: rows.length });
  file.finish();
  yield take(bytes);
}

/**
 * Encodings are set explicitly, as the writer would try a dictionary first; ids are bytes, as it creates an encoder for
 * each text.
 */
function columnsOf(rows: readonly AudienceItem[]): ColumnData {
  return [
    { name: 'rank', data: Int32Array.from(rows, ({ rank }) => rank), encoding: 'DELTA_BINARY_PACKED' },
    {
      name: 'user_id',
      data: rows.map(({ user_id }) => Buffer.from(user_id)),
      encoding: 'PLAIN',
      statistics: false,
    },
    { name: 'score', data: Float32Array.from(rows, ({ score }) => score), encoding: 'PLAIN' },
    { name: 'percentile', data: Float64Array.from(rows, ({ percentile }) => percentile), encoding: 'PLAIN' },
  ];
}

/** What was written since the last call, in newly allocated memory; the file offsets continue. */
function take(bytes: ByteWriter): Uint8Array {
  const taken = bytes.getBytes().slice();
  bytes.index = 0;
  return taken;
}
