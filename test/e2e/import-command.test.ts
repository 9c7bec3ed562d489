/** `metaheac population import SOURCE..` as people run it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getDataSetFile, openDataSet } from '../../src/dataset/data-set.ts';
import { metaheac, metaheacWith } from '../cli/in-process.ts';
import { useFolders } from '../fixture/folders.ts';
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
  it('reports rows, coverage and the worst lines, or refuses bad rows in one line', async () => {
    const { csv, schema, out } = writeSource();
    const args = ['population', 'import', csv, '--schema', schema, '--out', out, '--column', 'user_id=no'];
    const refused = await metaheac(...args);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/metaheac: .*users\.csv:3: the feature "age" is "x"; .*\n$/);
    const options = ['--max-bad-rows', '1', '--duplicates', 'last', '--memory', '256'];
    const { status, stdout, stderr } = await metaheac(...args, ...options);
    expect(stdout.replace(/version \w{12} in .*: /, '')).toBe(
      'population 2 users, 2 of them new\n' +
        '  4 rows: 1 bad, 1 replaced by a later row of the same user\n' +
        '  city (single): 100.0 % of users, 2 tokens\n' +
        '  age (number): 100.0 % of users\n',
    );
    expect(stderr).toContain(`${csv}:3: the feature "age" is "x"`);
    expect(status).toBe(0);
  });

  it('reports unknown tokens, and how many user sides are stored within their limit', async () => {
    const folder = newFolder();
    const schema = join(folder, 'schema.json');
    const { userFeatures } = openDataSet(world.data);
    writeFileSync(schema, JSON.stringify({ features: userFeatures.map(({ name, kind }) => ({ name, kind })) }));
    const users = getDataSetFile(openDataSet(world.data), 'users.ndjson');
    const args = ['population', 'import', users, '--schema', schema, '--model', world.model, '--out'];
    const whole = await metaheac(...args, join(folder, 'population'));
    expect(whole.stdout).toMatch(/% of users, \d+ tokens, 0\.0 % of occurrences unknown to the model\n/);
    expect(whole.stdout).toContain('  the user sides for the model are stored\n');
    expect(whole.status).toBe(0);
    const [none, few] = await Promise.all(
      ['0', '1'].map((bytes) => metaheacWith({ METAHEAC_USER_SIDE_BYTES: bytes }, ...args, join(folder, bytes))),
    );
    for (const { status, stdout } of [none!, few!]) expect([status, stdout.includes('user sides')]).toEqual([0, false]);
    expect(few!.stderr).toContain(
      'metaheac: the user sides of only 0 of 1 segments are stored, because user_side_bytes is 1\n',
    );
  });
});
