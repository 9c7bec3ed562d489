/** The tarball of `npm pack`, installed in an empty folder by plain npm, and upgraded to the next release. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_VERSION } from '../../src/lib/package-root.ts';
import { expectMainJob } from '../demo/printed.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { PACK_MS, pack, run, temporary } from './packed.ts';

const folder = temporaryFolder();
const installed = join(folder, 'node_modules/metaheac');
const PROGRAM = 'scripts/metaheac.mjs';
const METAHEAC_API_KEY = 'a key for the tests of an upgrade';
let tarball = '';

beforeAll(() => {
  tarball = pack('metaheac', folder);
  run(folder, 'npm', 'install', '--prefer-offline', `./${tarball}`);
}, PACK_MS);

/** Relative links of the package's own pages that lead to nothing in it. */
function brokenLinks(): string[] {
  const docs = readdirSync(join(installed, 'docs')).map((name) => `docs/${name}`);
  return ['README.md', 'CHANGELOG.md', ...docs].flatMap((page) => {
    const targets = [...readFileSync(join(installed, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)];
    return targets.flatMap(([, target = '']) => {
      const path = join(installed, dirname(page), target.split('#')[0]!);
      return /^([a-z]+:|#)/.test(target) || existsSync(path) ? [] : [`${page}: ${target}`];
    });
  });
}

/** Makes the tarball of the next release: a higher version, and a migration. */
function packNext(): string {
  const next = temporaryFolder();
  run(next, 'tar', '-xzf', join(folder, tarball));
  const manifest = join(next, 'package/package.json');
  const text = readFileSync(manifest, 'utf8');
  writeFileSync(manifest, text.replace(`"version": "${PACKAGE_VERSION}"`, '"version": "99.0.0"'));
  const migrations = join(next, 'package/migrations/sqlite');
  const number = String(readdirSync(migrations).length + 1).padStart(4, '0');
  writeFileSync(join(migrations, `${number}-next.sql`), 'ALTER TABLE campaigns ADD COLUMN of_next_release TEXT;\n');
  run(next, 'tar', '-cf', 'next.tgz', 'package');
  return join(next, 'next.tgz');
}

describe('npm pack', () => {
  it('makes a tarball that plain npm installs in an empty folder', () => {
    const packages = readdirSync(join(folder, 'node_modules'));
    expect(packages).toContain('onnxruntime-node');
    // nothing of development, and nothing that is compiled or downloaded on the user's machine
    for (const absent of ['typescript', 'vitest']) expect(packages).not.toContain(absent);
    for (const absent of ['src', 'test', '.ci']) expect(existsSync(join(installed, absent)), absent).toBe(false);
    expect(brokenLinks()).toEqual([]);
    const runtime = join(folder, 'node_modules/onnxruntime-node/bin/napi-v6', process.platform, process.arch);
    expect(readdirSync(runtime).filter((name) => name.includes('cuda'))).toEqual([]);
    const bill = JSON.parse(readFileSync(join(installed, 'dist/sbom.cdx.json'), 'utf8'));
    expect(bill.components.length).toBeGreaterThan(50);
  });

  it('makes npx metaheac demo work, which leaves nothing behind', { timeout: PACK_MS }, () => {
    writeFileSync(join(folder, 'unrelated.txt'), '');
    const stdout = run(folder, 'npx', 'metaheac', 'demo');
    expect(stdout).toContain('npx metaheac demo --keep ');
    expectMainJob(stdout);
    expect(readdirSync(temporary).filter((name) => name.startsWith('metaheac'))).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(
      [tarball, 'node_modules', 'package-lock.json', 'package.json', 'unrelated.txt'].sort(),
    );
  });

  it('makes a release that the next one replaces on the data of a killed service', { timeout: PACK_MS }, async () => {
    const world = await tinyWorld();
    const dataDir = join(temporaryFolder(), 'data');
    const start = () =>
      Served.start({ ...world, dataDir, module: join(installed, PROGRAM), env: { METAHEAC_API_KEY } });
    const get = (from: Served, path: string, key = METAHEAC_API_KEY) =>
      from.call('GET', path, undefined, { authorization: `Bearer ${key}` });

    const before = await start();
    const post = async (path: string, body: object, method = 'POST') => {
      const answer = await before.call(method, path, body, { authorization: `Bearer ${METAHEAC_API_KEY}` });
      expect(answer.status, answer.text).toBeLessThan(300);
      return answer.json;
    };
    const campaign = { name: 'before', audience: { size: 100 }, ...world.campaigns[0]! };
    await post('/v1/suppression', { user_ids: [world.campaigns[1]!.seeds[0]] }, 'PUT');
    const { key } = await post('/v1/keys', { name: 'reader', scope: 'read' });
    const { id } = await post('/v1/campaigns', campaign);
    const ready = `/v1/campaigns/${id}`;
    await before.until(async () => (await get(before, ready)).json.state === 'ready', 'is ranked');
    const audience = await get(before, `${ready}/audience`);
    const member = audience.json.items[0].user_id;
    const kept = ['', '/audience', `/audience/members/${member}`, '/quality', '/audiences/1/receipt'];
    const paths = [...kept.map((path) => `${ready}${path}`), '/v1/suppression'];
    const contents = (from: Served) =>
      Promise.all(paths.map(async (path) => [path, (await get(from, path, key)).text]));
    const expected = await contents(before);
    const { versions } = (await get(before, '/v1/status')).json;
    const queued = await post('/v1/campaigns', campaign);
    before.killGroup();
    await before.exited();

    run(folder, 'npm', 'install', '--prefer-offline', packNext());
    const after = await start();
    expect((await get(after, '/v1/status')).json.versions).toEqual({
      ...versions,
      service: '99.0.0',
      database_schema: versions.database_schema + 1,
    });
    expect(await contents(after)).toEqual(expected);
    const path = `/v1/campaigns/${queued.id}`;
    await after.until(async () => (await get(after, path)).json.state === 'ready', 'has ranked what waited');
    expect((await get(after, `${path}/audience`)).json.items).toEqual(audience.json.items);
    process.kill(-after.group, 'SIGTERM');
    await after.exited();

    const back = join(folder, 'node_modules/.before');
    mkdirSync(back);
    run(back, 'tar', '-xzf', join(folder, tarball));
    const flags = ['--data-dir', dataDir, '--model', world.model, '--population', world.population, '--port', '0'];
    const refused = spawnSync(process.execPath, [join(back, 'package', PROGRAM), 'serve', ...flags], {
      encoding: 'utf8',
    });
    expect([refused.status, refused.stdout + refused.stderr]).toEqual([
      1,
      expect.stringContaining('was written by a newer version'),
    ]);
  });
});
