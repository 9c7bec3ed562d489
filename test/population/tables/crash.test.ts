/** Imports of tables that are killed, or refused in the middle. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { importFiles } from '../../../src/population/import/import.ts';
import { readSourceSchema } from '../../../src/population/import/source-schema.ts';
import { openPopulation } from '../../../src/population/read/population.ts';
import { temporaryFolder, useFolders } from '../../fixture/folders.ts';
import { refusalOf, snapshot } from '../support.ts';
import { runSql } from './support.ts';

const newFolder = useFolders();
const sources = temporaryFolder();

/** A schema, and Parquet and CSV files of many users. */
async function makeSource(): Promise<{ schema: string; parquet: string; csv: string; few: string }> {
  const path = (name: string) => join(sources, name);
  const features = [
    { name: 'city', kind: 'single' },
    { name: 'likes', kind: 'multi', separator: '|' },
  ];
  writeFileSync(path('schema.json'), JSON.stringify({ features }));
  const rows = (count: number) =>
    `SELECT 'u' || i AS user_id, 'c' || i % 5000 AS city, 't' || i % 9 || '|x' AS likes FROM range(${count}) t(i)`;
  await runSql(`COPY (${rows(150_000)}) TO '${path('many.parquet')}'`);
  await runSql(`COPY (${rows(150_000)}) TO '${path('many.csv')}'`);
  await runSql(`COPY (${rows(4)}) TO '${path('few.parquet')}'`);
  return {
    schema: path('schema.json'),
    parquet: path('many.parquet'),
    csv: path('many.csv'),
    few: path('few.parquet'),
  };
}

let source: Awaited<ReturnType<typeof makeSource>>;
beforeAll(async () => {
  source = await makeSource();
});

describe('an import of a table that was killed', () => {
  it.each(['parquet', 'csv'] as const)(
    'leaves the old version serving, and the next one finishes it (%s)',
    { timeout: 240_000 },
    async (form) => {
      const schema = readSourceSchema(source.schema);
      const [out, expected] = [newFolder(), newFolder()];
      const first = await importFiles({ sources: [source.few], schema, out });
      await importFiles({ sources: [source.few], schema, out: expected });
      const script = new URL('./children/import-files.ts', import.meta.url).pathname;
      const args = [script, source.schema, out, source[form]];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      while (!existsSync(join(out, 'incoming/segments/000000.arrow'))) {
        expect(child.exitCode).toBeNull();
        await sleep(2);
      }
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(openPopulation(out)).toMatchObject({ version: first.version, rowCount: 4 });

      await importFiles({ sources: [source[form]], schema, out });
      await importFiles({ sources: [source.parquet], schema, out: expected });
      expect(snapshot(out)).toEqual(snapshot(expected));
      expect(readdirSync(out)).not.toContain('incoming');
    },
  );

  it('leaves nothing when it is refused', async () => {
    const out = join(newFolder(), 'population');
    const schema = readSourceSchema(source.schema, new Map([['user_id', 'city']]));
    const { message } = await refusalOf(() => importFiles({ sources: [source.parquet], schema, out }));
    expect(message).toMatch(/many\.parquet row 5001: the user "c0" appears a second time/);
    expect(existsSync(out)).toBe(false);
  });
});
