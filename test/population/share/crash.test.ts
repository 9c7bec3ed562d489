/** Processes that are killed while they publish, import or mirror a population. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openPopulation, summariseVersions } from '../../../src/population/read.ts';
import { prunePublished } from '../../../src/population/share.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { importUsers } from '../support.ts';
import { namesIn, newStorage, openIn, openMirror, publish, rowsOf, users } from './shared-support.ts';

const CHILD = join(import.meta.dirname, 'children/share-child.ts');
/** Most files of a publication have been written when the last process is killed. */
const KILLS = 3;
const USERS = 2 * 65_536;

type What = 'publish' | 'mirror' | 'import';

/** `source` is read by imports. */
function start(what: What, storage: string, folder: string, source = ''): ChildProcess {
  return spawn(process.execPath, [CHILD, what, storage, folder, source], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Number of files in a folder and below. */
function countFiles(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
  } catch {
    return 0; // not there yet, or a folder in it was renamed while it was listed
  }
}

/**
 * Starts the process and kills it as soon as the folder has this many files. Returns whether the process was killed
 * before it had ended.
 */
async function killAt(child: ChildProcess, folder: string, files: number): Promise<boolean> {
  const ended = once(child, 'exit');
  while (child.exitCode === null && countFiles(folder) < files) await sleep(1);
  child.kill('SIGKILL');
  const [code] = (await ended) as [number | null];
  return code !== 0;
}

/** Number of files in a storage to which only this folder is published. */
async function leastFiles(folder: string): Promise<number> {
  const { root, files } = newStorage();
  for (const { version } of summariseVersions(folder).reverse()) await publish(folder, files, version);
  return namesIn(root).length;
}

async function ended(child: ChildProcess): Promise<void> {
  const errors: Buffer[] = [];
  child.stderr!.on('data', (data: Buffer) => errors.push(data));
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(Buffer.concat(errors).toString()).toBe('');
  expect(code).toBe(0);
}

describe('a population that is shared', () => {
  it('is complete or not there when a publishing process is killed, and the next one continues', async () => {
    const { root, files } = newStorage();
    const [source, out] = [join(temporaryFolder(), 'data'), join(temporaryFolder(), 'population')];
    const first = await importUsers(source, out, users(0, 100));
    await publish(out, files);
    const mirror = await openMirror(files);
    const { version } = await importUsers(source, out, users(0, USERS));
    let killed = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const child = start('publish', root, out);
      if (await killAt(child, join(root, 'population/files'), countFiles(join(root, 'population/files')) + 2))
        killed += 1;
      await mirror.sync();
      expect([first.version, version]).toContain(mirror.newest);
      expect(await rowsOf(await openIn(mirror))).toHaveLength(mirror.newest === version ? USERS : 100);
    }
    expect(killed).toBeGreaterThan(0);
    await ended(start('publish', root, out));
    await mirror.sync();
    expect(mirror.newest).toBe(version);
    expect(mirror.index.incoming).toEqual([]);
    expect(await rowsOf(await openIn(mirror))).toEqual(await rowsOf(openPopulation(out)));
    mirror.close();
  });

  it('is complete or not there when an import into it is killed, and the next one continues', async () => {
    const { root, files } = newStorage();
    const [source, out] = [join(temporaryFolder(), 'data'), join(temporaryFolder(), 'population')];
    await importUsers(source, out, users(0, 100));
    await publish(out, files);
    const before = await openMirror(files);
    const { version } = await importUsers(source, out, users(0, USERS, 'Oslo'));
    const folder = join(temporaryFolder(), 'mirror');
    const stored = join(root, 'population/files');
    let [killed, resumed] = [0, 0];
    for (let kill = 1; kill <= KILLS; kill++) {
      const known = countFiles(stored);
      if (await killAt(start('import', root, folder, source), stored, known + 1)) killed += 1;
      if (countFiles(stored) > known) resumed += 1;
      await before.sync();
      if (before.newest === version) break;
      expect(before.index.versions).toHaveLength(1);
    }
    expect(killed).toBeGreaterThan(0);
    expect(resumed).toBeGreaterThan(0);
    await ended(start('import', root, folder, source));
    await before.sync();
    expect(before.newest).toBe(version);
    expect(await rowsOf(await openIn(before))).toEqual(await rowsOf(openPopulation(out)));
    // a day later nothing is left of those that were killed
    const left = before.index.incoming.length;
    await prunePublished(files, { keep: 9, served: [], now: () => 25 * 3600_000 });
    await before.sync();
    expect([left > 0, before.index.incoming]).toEqual([true, []]);
    expect(namesIn(root).filter((name) => !name.includes('.putting-')).length).toBe(await leastFiles(out));
    before.close();
  });

  it('is mirrored by several processes at once, some of which are killed', async () => {
    const { root, files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    await importUsers(join(temporaryFolder(), 'data'), out, users(0, USERS));
    await publish(out, files);
    const folder = join(temporaryFolder(), 'mirror');
    let killed = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const [one, two] = [start('mirror', root, folder), start('mirror', root, folder)];
      const other = ended(two);
      if (await killAt(one, folder, 3 * kill + 3)) killed += 1;
      await other;
    }
    expect(killed).toBeGreaterThan(0);
    const mirror = await openMirror(files, folder);
    expect(await rowsOf(await openIn(mirror))).toEqual(await rowsOf(openPopulation(out)));
    mirror.close();
  });
});
