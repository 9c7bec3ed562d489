/** Reads the user ids of Parquet or CSV tables. */
import type { BadRows } from '../import/bad-rows.ts';
import type { ImportLimits } from '../import/import-limits.ts';
import { planUserId } from '../import/read-user.ts';
import type { FileFormat } from '../import/source-files.ts';
import type { SourceSchema } from '../import/source-schema.ts';
import { float64Column, textColumn } from './chunks.ts';
import { withDatabase } from './database.ts';
import { openTables } from './open-tables.ts';
import { createSource, findBadRows } from './source-view.ts';

export interface ReadIdsOptions {
  readonly schema: Pick<SourceSchema, 'userId' | 'delimiter'>;
  readonly limits: ImportLimits;
  readonly badRows: BadRows;
  readonly scratch: string;
  readonly memoryMib?: number;
}

/**
 * Passes the ids in the column `userId` of a file to `take`, in the order of the file. Errors: AppError `invalid_data`.
 */
export async function readTableIds(
  path: string,
  format: Exclude<FileFormat, 'ndjson'>,
  { schema, limits, badRows, ...place }: ReadIdsOptions,
  take: (userId: string) => void,
): Promise<void> {
  await withDatabase(place, async (database) => {
    const { scratch } = place;
    const tables = await openTables([path], database, {
      format,
      ...schema,
      pick: (shape) => planUserId(schema, shape, limits).columns,
      scratch,
      badRows,
    });
    const plans = [planUserId(schema, tables.shape, limits)];
    await createSource(database, plans);
    const bad = await findBadRows(database, tables, plans, badRows);
    for await (const chunk of database.stream('SELECT "row"::DOUBLE, c0 FROM source')) {
      const rows = float64Column(chunk, 0);
      const ids = textColumn(chunk, 1);
      for (let i = 0; i < rows.length; i++) if (!bad.has(rows[i]!)) take(ids.getItem(i)!);
    }
  });
}
