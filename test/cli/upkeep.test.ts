/** Backup, restore and verify as their commands do them, beside a store that is open. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { backupCommand, restoreCommand } from '../../src/cli/commands/upkeep/backup.ts';
import { verifyCommand } from '../../src/cli/commands/upkeep/verify.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { locateStore, lockStore, openStore } from '../../src/storage/open-store.ts';
import { connect } from '../../src/storage/sqlite/database/driver.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { type Fixture, importUsers, openFixture } from '../http/fixture.ts';
import { metaheac } from './in-process.ts';

const population = await importUsers();
const root = temporaryFolder();
let fixture: Fixture;
let ids: string[];
beforeAll(async () => {
  fixture = await openFixture(population);
  ids = [await fixture.createReady(), await fixture.createReady(), await fixture.createReady()];
});
afterEach(() => {
  process.exitCode = undefined;
});

const LIMITS = { clock: systemClock, minimumSeeds: 10, leaseMs: 30_000, maximumAttempts: 3 };

/** Collects what a command prints. */
function collect() {
  const lines: string[] = [];
  return {
    lines,
    json: () => JSON.parse(lines.at(-1)!),
    output: { result: (line: string) => void lines.push(line), note: () => {}, progress: () => {} },
  };
}

async function backUp(
  to: string,
  options: { copy?: boolean } = {},
): Promise<{ files: number; database_copies: number }> {
  const { output, json } = collect();
  await backupCommand(fixture.dataDir, { out: to, json: true, ...options }, systemClock, output);
  return json();
}

async function restore(from: string, to: string): Promise<void> {
  await restoreCommand(from, { to }, collect().output);
}

async function verify(folder: string, options: { repair?: boolean } = {}) {
  const { output, json } = collect();
  await verifyCommand(folder, { json: true, ...options }, output);
  return json();
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[1]! ^= 4;
  writeFileSync(path, bytes);
}

describe('backup and restore', () => {
  it('copy a store that is open, with hard links, and give every ranking byte for byte', async () => {
    const [backup, to] = [join(root, 'backup'), join(root, 'restored')];
    expect(await backUp(backup)).toMatchObject({ database_copies: 1 });
    expect(readdirSync(backup).sort()).toEqual(['audiences', 'backup.json', 'metaheac.db', 'seeds']);
    await restore(backup, to);
    // they hold user ids
    for (const made of [backup, to]) expect(statSync(made).mode & 0o7).toBe(0);
    expect(readdirSync(to).sort()).toEqual([
      'audiences',
      'metaheac.db',
      'seeds',
      expect.stringMatching(/^store-.*\.json$/),
    ]);
    const again = await openStore(locateStore(to), LIMITS);
    expect((await again.list({ limit: 10 })).items.map(({ id }) => id).sort()).toEqual([...ids].sort());
    for (const id of ids) {
      const { folder } = await again.activeAudience(id);
      expect(await again.activeAudience(id)).toEqual(await fixture.store.activeAudience(id));
      for (const file of ['scores.f32', 'order.u32', 'ranking.json']) {
        const original = join(fixture.dataDir, folder, file);
        expect(readFileSync(join(to, folder, file))).toEqual(readFileSync(original));
        expect(statSync(join(backup, folder, file)).ino).toBe(statSync(original).ino);
        expect(statSync(join(to, folder, file)).ino).not.toBe(statSync(original).ino);
      }
    }
    await again.close();
    expect(await verify(to)).toMatchObject({ whole: true, rankings: 3, orphans: [] });
    const database = connect(join(to, 'metaheac.db'), { readonly: true });
    expect(database.pragma('freelist_count', { simple: true })).toBe(0);
    database.close();
  });

  it('copy files where that is asked for', async () => {
    const backup = join(root, 'copied');
    await backUp(backup, { copy: true });
    const { folder } = await fixture.store.activeAudience(ids[0]!);
    const [copy, original] = [backup, fixture.dataDir].map((one) => statSync(join(one, folder, 'order.u32')));
    expect(copy!.ino).not.toBe(original!.ino);
  });

  it('refuse a target that holds something, a damaged backup and one whose list was altered; nothing is left', async () => {
    const backup = join(root, 'backup');
    await expect(backUp(backup)).rejects.toThrow('is not empty');
    const bad = join(root, 'bad');
    cpSync(backup, bad, { recursive: true });
    flip(join(bad, 'seeds', readdirSync(join(bad, 'seeds'))[0]!));
    const before = readdirSync(root).sort();
    await expect(restore(bad, join(root, 'never'))).rejects.toThrow(/the sha256 of .* differs/);
    rmSync(join(bad, 'metaheac.db'));
    await expect(restore(bad, join(root, 'never'))).rejects.toThrow(/metaheac.db is missing|the sha256 of .* differs/);
    const list = JSON.parse(readFileSync(join(bad, 'backup.json'), 'utf8'));
    writeFileSync(join(bad, 'backup.json'), JSON.stringify({ ...list, files: list.files.slice(1) }));
    await expect(restore(bad, join(root, 'never'))).rejects.toThrow('the list of files was altered');
    writeFileSync(
      join(bad, 'backup.json'),
      JSON.stringify({ ...list, files: [{ ...list.files[0], path: '../../outside' }] }),
    );
    await expect(restore(bad, join(root, 'never'))).rejects.toThrow('#/files/0/path');
    await expect(restore(fixture.dataDir, join(root, 'never'))).rejects.toThrow('is not a backup');
    expect(readdirSync(root).sort()).toEqual(before);
  });

  it('say what the data folder has lost', async () => {
    const lost = await fixture.createReady();
    const { folder } = await fixture.store.activeAudience(lost);
    const aside = join(root, 'aside');
    cpSync(join(fixture.dataDir, folder), aside, { recursive: true });
    rmSync(join(fixture.dataDir, folder), { recursive: true });
    await expect(backUp(join(root, 'partial'))).rejects.toThrow('the same damage as the original');
    expect(JSON.parse(readFileSync(join(root, 'partial', 'backup.json'), 'utf8')).lost).toEqual([folder]);
    cpSync(aside, join(fixture.dataDir, folder), { recursive: true });
  });
});

it('backup leaves nothing behind if the database of a cluster does not answer', async () => {
  const cluster = ['--store', 'postgres://u@127.0.0.1:1/x', '--blobs', 's3://bucket'];
  const { status, stderr } = await metaheac('backup', ...cluster, '--out', join(root, 'none', 'out'));
  expect([status, existsSync(join(root, 'none'))]).toEqual([1, false]);
  expect(stderr).toMatch(/^metaheac: the database does not answer: /);
});

describe('verify', () => {
  it('finds what is damaged, missing and nobody’s, and removes only the last', async () => {
    const folder = join(root, 'checked');
    await restore(join(root, 'backup'), folder);
    const [damaged, gone] = (await Promise.all(
      ids.map(async (id) => (await fixture.store.activeAudience(id)).folder),
    )) as [string, string];
    flip(join(folder, damaged, 'order.u32'));
    rmSync(join(folder, gone), { recursive: true });
    const orphan = `${damaged.slice(0, damaged.lastIndexOf('/'))}/00000000-0000-4000-8000-000000000000`;
    // of an expansion that has ended
    const kept = `${damaged}.kept`;
    for (const path of [orphan, kept]) mkdirSync(join(folder, path));
    const set = `seeds/${'0'.repeat(64)}.txt`;
    for (const path of [set, 'seeds/left.tmp']) writeFileSync(join(folder, path), 'u1\n');
    const report = await verify(folder);
    expect(report).toMatchObject({ whole: false, running: false, rankings: 3 });
    expect(report.orphans.sort()).toEqual([orphan, kept, set, 'seeds/left.tmp'].sort());
    expect(report.faults).toHaveLength(2);
    expect(report.faults).toEqual(
      expect.arrayContaining([
        { path: damaged, message: 'block 0 of order.u32 does not match its checksum' },
        { path: gone, message: expect.stringContaining('ENOENT') },
      ]),
    );
    expect(process.exitCode).toBe(4);
    expect(await verify(folder, { repair: true })).toMatchObject({ removed: 4 });
    for (const path of report.orphans) expect(existsSync(join(folder, path))).toBe(false);
    expect(await verify(folder)).toMatchObject({ orphans: [], rankings: 3 });
    expect(existsSync(join(folder, damaged))).toBe(true);
  });

  it('leaves out what a running service is writing, and repairs nothing beside one', async () => {
    const folder = join(root, 'restored');
    const release = await lockStore(locateStore(folder));
    writeFileSync(join(folder, 'seeds/arriving.tmp'), 'u1\n');
    expect(await verify(folder)).toMatchObject({ whole: true, running: true, orphans: [] });
    await expect(verify(folder, { repair: true })).rejects.toThrow('is in use by another metaheac serve');
    release();
    expect(await verify(folder)).toMatchObject({ running: false, orphans: ['seeds/arriving.tmp'] });
  });

  it('prints what it found, and counts it', async () => {
    const folder = join(root, 'printed');
    cpSync(join(root, 'restored'), folder, { recursive: true });
    const print = async (options: { repair?: boolean } = {}) => {
      const { output, lines } = collect();
      await verifyCommand(folder, options, output);
      return lines;
    };
    rmSync(join(folder, 'seeds/arriving.tmp'));
    expect(await print()).toEqual(['3 user sets, 3 rankings, 0 promoted models, 0.0 MiB: all intact, 0 orphans']);
    const { folder: damaged } = await fixture.store.activeAudience(ids[0]!);
    flip(join(folder, damaged, 'order.u32'));
    writeFileSync(join(folder, 'seeds/left.tmp'), 'u1\n');
    const fault = `damaged  ${damaged}: block 0 of order.u32 does not match its checksum`;
    const counts = '3 user sets, 3 rankings, 0 promoted models, 0.0 MiB: 1 damaged, 1 orphan';
    expect(await print()).toEqual([fault, 'orphan   seeds/left.tmp', counts]);
    expect(await print({ repair: true })).toEqual([fault, 'removed  seeds/left.tmp', `${counts} (removed)`]);
  });

  it('refuses a folder that no service has', async () => {
    await expect(verify(population.path)).rejects.toThrow('it has no metaheac.db');
  });
});
