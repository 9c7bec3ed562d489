/** Opens a table in any format, including Parquet, by its file name. */
import type { DelimitedOptions } from '../../dataset/delimited-source.ts';
import { openRows } from '../../dataset/open-rows.ts';
import type { RowSource } from '../../dataset/row-source.ts';

const PARQUET = /\.(parquet|parq|pq)$/i;

/** Like `openRows`, but also opens Parquet, to which `options` do not apply. */
export async function openTable(path: string, options: DelimitedOptions = {}): Promise<RowSource> {
  if (!PARQUET.test(path)) return await openRows(path, options);
  // DuckDB is loaded here because only Parquet needs DuckDB
  const { openParquetRows } = await import('../tables/parquet-rows.ts');
  return await openParquetRows(path);
}
