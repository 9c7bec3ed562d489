/** The commands that share populations and models through the object storage of a cluster. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/read.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { startOwnS3, type TestS3 } from '../fixture/s3.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { users } from '../population/share/shared-support.ts';
import { importUsers, toLines } from '../population/support.ts';
import { FaultyGate } from '../storage/s3/faulty-gate.ts';
import { metaheacWith } from './in-process.ts';

const world = await tinyWorld();
let server: TestS3;
beforeAll(async () => {
  server = await startOwnS3();
});
afterAll(() => server.close());

/** Runs a command with the storage below a prefix. */
function run(prefix: string, ...args: string[]) {
  return runAt(server.endpoint, prefix, ...args);
}

function runAt(endpoint: string, prefix: string, ...args: string[]) {
  const { bucket, credentials } = server;
  return metaheacWith(
    {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      METAHEAC_BLOBS: `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}&path_style=true`,
    },
    ...args,
  );
}

it('publishes nothing in a storage that ignores conditions, where hosts would replace what others published', async () => {
  const gate = await FaultyGate.start(server.endpoint);
  onTestFinished(() => gate.close());
  gate.ignored = 'if-none-match';
  for (const command of [
    ['population', 'publish', world.population],
    ['model', 'publish', world.model],
  ])
    expect(await runAt(gate.endpoint, 'ignored', ...command)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('this object storage ignores If-None-Match'),
    });
  expect(gate.count('PUT', '/shared/')).toBe(0);
});

describe('metaheac population publish', () => {
  it('stores a version, which pull copies on another host', async () => {
    const [source, out, other] = [0, 1, 2].map((i) => join(temporaryFolder(), `folder-${i}`)) as [
      string,
      string,
      string,
    ];
    const { version } = await importUsers(source, out, users(0, 500));
    const published = await run('a', 'population', 'publish', out);
    expect(published.stdout).toMatch(`published version ${version}: stored 2 files (0.0 MiB); 0 were stored before`);
    expect(JSON.parse((await run('a', 'population', 'publish', out, '--json')).stdout)).toEqual({
      version,
      files: 0,
      bytes: 0,
      known: 2,
    });
    const pulled = await run('a', 'population', 'pull', other);
    expect(pulled.stdout).toContain(`pulled version ${version} into ${other}: 500 users; fetched 2 files`);
    expect(openPopulation(other)).toMatchObject({ version, rowCount: 500 });
    const copy = join(temporaryFolder(), 'copy');
    await importUsers(source, out, users(0, 510));
    expect((await run('a', 'population', 'publish', out)).status).toBe(0);
    expect((await run('a', 'population', 'pull', copy, '--version', version)).status).toBe(0);
    expect(openPopulation(copy)).toMatchObject({ version, rowCount: 500 });
    const shown = await metaheacWith({}, 'population', 'show', out, '--version', version);
    expect(shown.stdout).toContain(`${version}  `);
  });

  it('says what is wrong', async () => {
    const out = join(temporaryFolder(), 'population');
    expect((await run('b', 'population', 'pull', out)).stderr).toContain('no population is published');
    const none = await metaheacWith({}, 'population', 'pull', out);
    expect(none.status).toBe(2);
    expect(none.stderr).toContain('name the object storage: --blobs');
  });
});

describe('metaheac population import and update', () => {
  it('publish without a folder, and give the versions of a folder', async () => {
    const [cache, out] = [join(temporaryFolder(), 'cache'), join(temporaryFolder(), 'population')];
    const folder = temporaryFolder();
    const [all, schema, changed] = ['all.ndjson', 'schema.json', 'changed.ndjson'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    writeFileSync(all, toLines(users(0, 500)));
    writeFileSync(changed, toLines(users(490, 510, 'Oslo')));
    const features = [
      { name: 'city', kind: 'single' },
      { name: 'likes', kind: 'multi' },
    ];
    writeFileSync(schema, JSON.stringify({ user_id: 'user_id', features }));
    const local = await metaheacWith({}, 'population', 'import', all, '--schema', schema, '--out', out);
    const imported = await run('e', 'population', 'import', all, '--schema', schema, '--cache', cache);
    expect(imported.stdout).toBe(
      `${local.stdout.replace(` in ${out}`, ' published')}  stored 2 files (0.0 MiB); 0 were stored before\n`,
    );
    const update = ['--changed', changed, '--json'];
    const here = await metaheacWith({}, 'population', 'update', '--population', out, ...update);
    const there = await run('e', 'population', 'update', '--cache', cache, ...update);
    const { seconds: _, current_before: __, ...expected } = JSON.parse(here.stdout) as Record<string, unknown>;
    expect(JSON.parse(there.stdout)).toMatchObject({ ...expected, current_before: null });
    const again = await run('e', 'population', 'update', '--cache', cache, '--changed', changed);
    expect(again.stdout).toMatch(
      /published: 510 users, the same version as before\n.*\n +built on .*\n.*\n +stored 0 files/,
    );
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^imports-[0-9a-f]{12}$/)]);
  });

  it('take the features of a data set from a model', async () => {
    const cache = join(temporaryFolder(), 'cache');
    const args = ['--data', world.data, '--model', world.model, '--cache', cache];
    const { status, stdout } = await run('f', 'population', 'import', ...args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^population version [0-9a-f]{12} published: \d+ users, \d+ of them new\n/);
    expect(stdout).toMatch(/users have a value, \d+ tokens\n(.*\n)* +stored 2 files/);
  });

  it('say where to import if nothing does, and refuse two places', async () => {
    const out = join(temporaryFolder(), 'population');
    const users = join(temporaryFolder(), 'users.ndjson');
    writeFileSync(users, '');
    writeFileSync(
      `${users}.json`,
      JSON.stringify({ user_id: 'user_id', features: [{ name: 'city', kind: 'single' }] }),
    );
    const args = ['population', 'import', users, '--schema', `${users}.json`];
    const none = await metaheacWith({}, ...args);
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('name a folder with --out, or the object')]);
    const both = await metaheacWith({}, ...args, '--out', out, '--blobs', 's3://bucket/prefix');
    expect([both.status, both.stderr]).toEqual([2, expect.stringContaining('give either --out')]);
    // a folder that is named wins over the storage in the environment
    const named = await run('g', ...args, '--out', out);
    expect(named.stderr).toContain('is empty');
  });
});

describe('metaheac model publish', () => {
  it('stores a model, which pull copies on another host', async () => {
    const { version } = readModelFolder(world.model).manifest;
    const models = join(temporaryFolder(), 'models');
    expect((await run('c', 'model', 'publish', world.model)).stdout).toContain(`published model ${version}`);
    expect((await run('c', 'model', 'pull', version, '--out', models)).stdout).toContain(join(models, version));
    expect(readModelFolder(join(models, version)).manifest.version).toBe(version);
    const missing = await run('c', 'model', 'pull', '000000000000', '--out', models);
    expect(missing.stderr).toContain('model 000000000000 is not published');
  });
});
