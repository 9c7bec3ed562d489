/** The commands of docs/import.md, as they are written, on a Parquet and a CSV file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPopulation } from '../../src/population/population.ts';
import { makeWorkplace, runBash } from '../fixture/demo-world.ts';
import { useFolders } from '../fixture/folders.ts';
import { ROOT } from '../fixture/served.ts';
import { runSql } from '../population/tables/support.ts';

const newFolder = useFolders();
const page = readFileSync(join(ROOT, 'docs/import.md'), 'utf8');
const section = page.slice(page.indexOf('## I have a Parquet file'), page.indexOf('## schema.json'));
const commands = [...section.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(([, block]) => block!.trim());

describe('a Parquet file of users and nothing else', () => {
  it.each(['users.parquet', 'users.csv'])('becomes a population by the commands of the page (%s)', async (file) => {
    const repository = join(newFolder(), 'repository');
    makeWorkplace(repository);
    const rows = "SELECT 'u' || i AS user_id, 'city ' || i % 7 AS city, i % 60 + 0.5 AS age FROM range(500) t(i)";
    await runSql(`COPY (${rows}) TO '${join(repository, file)}'`);
    expect(commands).toHaveLength(2);
    const script = commands.join('\n').replaceAll('users.parquet', file);
    const output = runBash(script, repository, {});
    const population = openPopulation(join(repository, 'population'));
    expect(population.rowCount).toBe(500);
    expect(population.features).toMatchObject([
      { name: 'city', kind: 'single' },
      { name: 'age', kind: 'number' },
    ]);
    expect(output).toContain('500 users, 500 of them new');
    expect(output).toContain('city (single): 100.0 % of users, 7 tokens');
  });
});
