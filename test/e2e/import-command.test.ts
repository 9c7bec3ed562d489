/** `metaheac population import SOURCE..` as people run it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { getDataSetFile, openDataSet } from '../../src/dataset/data-set.ts';
import { metaheac, metaheacWith } from '../cli/in-process.ts';
import { useFolders } from '../fixture/folders.ts';
import { program } from '../fixture/program.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const newFolder = useFolders();
const world = await tinyWorld();

/** A CSV file with a bad line and a user who is there twice, and its schema. */
function writeSource(): { csv: string; schema: string; out: string } {
  const folder = newFolder();
  const [csv, schema] = [join(folder, 'users.csv'), join(folder, 'schema.json')];
  writeFileSync(csv, 'no,city,age\n007,Rome,3\n7,Oslo,x\n8,Oslo,4\n007,Bern,5\n');
  const features = [
    { name: 'city', kind: 'single' },
    { name: 'age', kind: 'number' },
  ];
  writeFileSync(schema, JSON.stringify({ features }));
  return { csv, schema, out: join(folder, 'population') };
}

describe('metaheac population import SOURCE..', () => {
  itUsual('reports rows, coverage and the worst lines', async () => {
    const { csv, schema, out } = writeSource();
    const options = ['--column', 'user_id=no', '--max-bad-rows', '1', '--duplicates', 'last', '--memory', '256'];
    const { status, stdout, stderr } = await metaheac(
      'population',
      'import',
      csv,
      '--schema',
      schema,
      '--out',
      out,
      ...options,
    );
    expect(stdout.replace(/version \w{12} in .*: /, '')).toBe(
      'population 2 users, 2 of them new\n' +
        '  4 rows: 1 bad, 1 replaced by a later row of the same user\n' +
        '  city (single): 100.0 % of users, 2 tokens\n' +
        '  age (number): 100.0 % of users\n',
    );
    expect(stderr).toContain(`${csv}:3: the feature "age" is "x"`);
    expect(status).toBe(0);
  });

  itUsual('refuses bad rows in one line, with file and line number', async () => {
    const { csv, schema, out } = writeSource();
    const result = await metaheac(
      'population',
      'import',
      csv,
      '--schema',
      schema,
      '--out',
      out,
      '--column',
      'user_id=no',
    );
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(/metaheac: .*users\.csv:3: the feature "age" is "x"; .*\n$/);
  });

  itUsual('reports the share of tokens that the model does not know', async () => {
    const folder = newFolder();
    const schema = join(folder, 'schema.json');
    const { userFeatures } = openDataSet(world.data);
    const features = userFeatures.map(({ name, kind }) => ({ name, kind }));
    writeFileSync(schema, JSON.stringify({ features }));
    const users = getDataSetFile(openDataSet(world.data), 'users.ndjson');
    const args = [users, '--schema', schema, '--out', join(folder, 'population'), '--model', world.model];
    const { status, stdout } = await metaheac('population', 'import', ...args);
    expect(stdout).toMatch(/% of users, \d+ tokens, 0\.0 % of occurrences unknown to the model\n/);
    expect(stdout).toContain('  the user sides for the model are stored\n');
    expect(status).toBe(0);
    // unless the limit is 0
    const without = [users, '--schema', schema, '--out', join(folder, 'without'), '--model', world.model];
    const other = await metaheacWith({ METAHEAC_USER_SIDE_BYTES: '0' }, 'population', 'import', ...without);
    expect([other.status, other.stdout.includes('user sides')]).toEqual([0, false]);
  });

  it.runIf(IS_LONG)('stores the user sides after a kill while it stored them, and leaves nothing else', async () => {
    const folder = newFolder();
    const schema = join(folder, 'schema.json');
    const { userFeatures } = openDataSet(world.data);
    writeFileSync(schema, JSON.stringify({ features: userFeatures.map(({ name, kind }) => ({ name, kind })) }));
    const users = getDataSetFile(openDataSet(world.data), 'users.ndjson');
    const population = join(folder, 'population');
    const args = ['population', 'import', users, '--schema', schema, '--out', population, '--model', world.model];
    const stored = () => {
      try {
        const names = readdirSync(population, { recursive: true, encoding: 'utf8' });
        return names.filter((name) => name.includes('user-side-'));
      } catch {
        return []; // not there yet, or a folder in it was renamed while it was listed
      }
    };
    const child = spawn(process.execPath, [program(), ...args], { stdio: 'ignore' });
    while (stored().length === 0) {
      expect(child.exitCode).toBeNull();
      await sleep(1);
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { status, stdout } = await metaheac(...args);
    expect(stdout).toContain('  the user sides for the model are stored\n');
    expect(status).toBe(0);
    expect(stored().map((name) => basename(name))).toEqual([
      expect.stringMatching(/^user-side-/),
      expect.stringMatching(/^[0-9a-f]{32}\.users$/),
    ]);
  });

  itUsual('reports how many user sides are stored if all exceed the limit', async () => {
    const folder = newFolder();
    const schema = join(folder, 'schema.json');
    const { userFeatures } = openDataSet(world.data);
    writeFileSync(schema, JSON.stringify({ features: userFeatures.map(({ name, kind }) => ({ name, kind })) }));
    const users = getDataSetFile(openDataSet(world.data), 'users.ndjson');
    const args = [users, '--schema', schema, '--out', join(folder, 'population'), '--model', world.model];
    const result = await metaheacWith({ METAHEAC_USER_SIDE_BYTES: '1' }, 'population', 'import', ...args);
    expect([result.status, result.stdout.includes('user sides')]).toEqual([0, false]);
    expect(result.stderr).toContain(
      'metaheac: the user sides of only 0 of 1 segments are stored, because user_side_bytes is 1\n',
    );
  });
});
