/** The commands of docs/import.md, as they are written, on a Parquet and a CSV file. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPopulation } from '../../src/population/read.ts';
import { makeWorkplace, runBash } from '../fixture/demo-world.ts';
import { useFolders } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { ROOT, Served } from '../fixture/served.ts';
import { IS_LONG } from '../fixture/size.ts';
import { runSql } from '../population/tables/support.ts';

const newFolder = useFolders();

const MISSING = ['bash', 'curl', 'jq'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
const isSkipped = !process.env['CI'] && (MISSING.length > 0 || !HAS_PROC);

const page = readFileSync(join(ROOT, 'docs/import.md'), 'utf8');
const section = page.slice(page.indexOf('## You have only a Parquet file'), page.indexOf('## schema.json'));
const commands = [...section.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(([, block]) => block!.trim());

/** Whoever is of one crowd likes what the crowd likes: something to learn from, of 500 people. */
const PEOPLE = `SELECT 'u' || i AS user_id, 'city ' || i % 7 AS city, i % 60 + 0.5 AS age,
  list_transform(range(4), j -> 'like ' || (i % 7) || '.' || ((i // 7 + 3 * j * j) % 9)) AS likes FROM range(500) t(i)`;

/** A small training, as the page's command would take a minute. */
const SHORT = '--self-supervised --steps 2 --task-count 2 --num-expert 2 --num-output 2 --embedding 4';

describe('a Parquet file of users and nothing else', () => {
  it.each(IS_LONG ? ['users.parquet', 'users.csv'] : ['users.parquet'])(
    'becomes a population with the commands of the page (%s)',
    async (file) => {
      const repository = join(newFolder(), 'repository');
      makeWorkplace(repository);
      const rows = "SELECT 'u' || i AS user_id, 'city ' || i % 7 AS city, i % 60 + 0.5 AS age FROM range(500) t(i)";
      await runSql(`COPY (${rows}) TO '${join(repository, file)}'`);
      expect(commands).toHaveLength(5);
      const script = commands.slice(0, 2).join('\n').replaceAll('users.parquet', file);
      const output = runBash(script, repository, {});
      const population = openPopulation(join(repository, 'population'));
      expect(population.rowCount).toBe(500);
      expect(population.features).toMatchObject([
        { name: 'city', kind: 'single' },
        { name: 'age', kind: 'number' },
      ]);
      expect(output).toContain('500 users, 500 of them new');
      expect(output).toContain('city (single): 100.0 % of users, 7 tokens');
    },
  );

  it.runIf(IS_LONG && !isSkipped)('becomes an audience of people like the seeds', { timeout: 120_000 }, async () => {
    const repository = join(newFolder(), 'repository');
    makeWorkplace(repository);
    await runSql(`COPY (${PEOPLE}) TO '${join(repository, 'users.parquet')}'`);
    const [schema = '', imported = '', train = '', serve = '', asked = ''] = commands;
    runBash([schema, imported, train.replace('--self-supervised', SHORT)].join('\n'), repository, {});
    expect(serve).toBe('metaheac serve --data-dir data --model model --population population');
    const [dataDir, model, population] = ['data', 'model', 'population'].map((name) => join(repository, name));
    const served = await Served.start({ dataDir: dataDir!, model: model!, population: population! });
    const output = runBash(asked.replaceAll('localhost:8080', `127.0.0.1:${served.port}`), repository, {});
    const [header, ...rows] = output.trim().split(/\r?\n/);
    expect(header).toBe('rank,user_id,score,percentile');
    // the seeds are every seventh, as the crowd is
    for (const row of rows) expect(Number(row.split(',')[1]!.slice(1)) % 7).toBe(1);
    expect(rows).toHaveLength(4);
  });
});
