/** Opens a table by its file's name, Parquet among them. */
import type { DelimitedOptions } from '../../dataset/delimited-source.ts';
import { openRows } from '../../dataset/open-rows.ts';
import type { RowSource } from '../../dataset/row-source.ts';

const PARQUET = /\.(parquet|parq|pq)$/i;

/** As `openRows`, and Parquet, of which `options` say nothing. */
export async function openTable(path: string, options: DelimitedOptions = {}): Promise<RowSource> {
  if (!PARQUET.test(path)) return await openRows(path, options);
  // DuckDB is loaded where a table is read
  const { openParquetRows } = await import('../tables/parquet-rows.ts');
  return await openParquetRows(path);
}
