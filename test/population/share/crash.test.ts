/** Processes that are killed while they publish, pull or mirror a population. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openPopulation } from '../../../src/population/read.ts';
import { pullPopulation } from '../../../src/population/share.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { size } from '../../fixture/size.ts';
import { importUsers } from '../support.ts';
import { newStorage, openIn, openMirror, publish, rowsOf, users } from './shared-support.ts';

const CHILD = join(import.meta.dirname, 'children/share-child.ts');
const KILLS = size(3, 30);
const USERS = 4 * 65_536;

function start(what: 'publish' | 'pull' | 'mirror', storage: string, folder: string): ChildProcess {
  return spawn(process.execPath, [CHILD, what, storage, folder], { stdio: ['ignore', 'ignore', 'pipe'] });
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

  it('is complete or not there when a pulling process is killed, and the next one continues', async () => {
    const { root, files } = newStorage();
    const out = join(temporaryFolder(), 'population');
    const { version } = await importUsers(join(temporaryFolder(), 'data'), out, users(0, USERS));
    await publish(out, files);
    const other = join(temporaryFolder(), 'other');
    let killed = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      if (await killAt(start('pull', root, other), other, countFiles(other) + 3)) killed += 1;
      if (existsSync(join(other, version))) expect(openPopulation(other, { version }).rowCount).toBe(USERS);
    }
    expect(killed).toBeGreaterThan(0);
    await pullPopulation(files, other, null);
    expect(await rowsOf(openPopulation(other))).toEqual(await rowsOf(openPopulation(out)));
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
