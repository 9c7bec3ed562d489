/** The commands that share populations and models through the object storage of a cluster. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation, summariseVersions } from '../../src/population/read.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { startOwnS3, type TestS3 } from '../fixture/s3.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { users } from '../population/share/shared-support.ts';
import { importUsers } from '../population/support.ts';
import { metaheacWith } from './in-process.ts';

const world = await tinyWorld();
let server: TestS3;
beforeAll(async () => {
  server = await startOwnS3();
});
afterAll(() => server.close());

/** Runs a command with the storage below a prefix. */
function run(prefix: string, ...args: string[]) {
  const { endpoint, bucket, credentials } = server;
  return metaheacWith(
    {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      METAHEAC_BLOBS: `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}&path_style=true`,
    },
    ...args,
  );
}

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
      ...{ version, files: 0, bytes: 0, known: 2 },
    });
    const pulled = await run('a', 'population', 'pull', other);
    expect(pulled.stdout).toContain(`pulled version ${version} into ${other}: 500 users; fetched 2 files`);
    expect(openPopulation(other)).toMatchObject({ version, rowCount: 500 });
    // an update on the other host continues the user numbers
    const next = await importUsers(source, other, users(0, 510));
    expect((await run('a', 'population', 'publish', other)).status).toBe(0);
    const back = await run('a', 'population', 'pull', out, '--version', next.version);
    expect(back).toMatchObject({ status: 0, stdout: expect.stringContaining(`pulled version ${next.version}`) });
    expect(summariseVersions(out).map((one) => one.version)).toEqual([next.version, version]);
    expect(openPopulation(out).directory.find('user-509')).toBe(509);
    const shown = await metaheacWith({}, 'population', 'show', out, '--version', version);
    expect(shown.stdout).toContain(`${version}  `);
  });

  it('can be undone for old versions that are not served', async () => {
    const [source, out] = [0, 1].map((i) => join(temporaryFolder(), `folder-${i}`)) as [string, string];
    const versions: string[] = [];
    for (const size of [10, 20, 30]) {
      versions.push((await importUsers(source, out, users(0, size))).version);
      await run('d', 'population', 'publish', out);
    }
    const pruned = await run('d', 'population', 'prune-published', '--keep', '1', '--served', versions[1]!, '--json');
    expect(JSON.parse(pruned.stdout)).toMatchObject({ versions: [versions[0]] });
    const again = await run('d', 'population', 'prune-published', '--keep', '1', '--served', versions[2]!);
    expect(again.stdout).toMatch(`removed ${versions[1]}\ndeleted `);
  });

  it('says what is wrong', async () => {
    const out = join(temporaryFolder(), 'population');
    expect((await run('b', 'population', 'pull', out)).stderr).toContain('no population is published');
    const none = await metaheacWith({}, 'population', 'pull', out);
    expect(none.status).toBe(2);
    expect(none.stderr).toContain('name the object storage: --blobs');
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
