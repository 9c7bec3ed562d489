/** All CSV readers in `src/dataset` read the same records from the same files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCsvTable } from '../../src/dataset/csv-table.ts';
import { openRows } from '../../src/dataset/open-rows.ts';
import { useFolders } from '../fixture/folders.ts';
import { NASTY_CSV } from '../fixture/nasty-csv.ts';
import { refusalOf } from '../population/support.ts';

const newFolder = useFolders();

async function idsOfRows(path: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const rows of (await openRows(path)).read(['user_id']))
    ids.push(...rows.map(({ values }) => String(values[0])));
  return ids;
}

async function idsOfTable(path: string): Promise<string[]> {
  const { columns } = await openRows(path);
  const ids: string[] = [];
  await readCsvTable(path, columns, (fields) => ids.push(fields[columns.indexOf('user_id')]!));
  return ids;
}

describe.each([
  ['tables from other sources', idsOfRows],
  ['tables of a data set', idsOfTable],
] as const)('the reader of %s', (_, read) => {
  it.each(NASTY_CSV)('takes $name', async ({ content, ids }) => {
    const path = join(newFolder(), 'users.csv');
    writeFileSync(path, content);
    if (!('refusedAt' in ids)) expect(await read(path)).toEqual(ids);
    else expect((await refusalOf(() => read(path))).message).toContain(`users.csv:${ids.refusedAt}: `);
  });
});
