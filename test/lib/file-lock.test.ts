/** File locks: one holder across processes and containers, and none after its end. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { awaitFileLock, awaitFileLockSync, isFileLocked, tryFileLock } from '../../src/lib/files/file-lock.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';
import { collectGarbage } from '../fixture/garbage.ts';
import { describeInNamespaces, runInNamespace } from '../fixture/namespaces.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { size } from '../fixture/size.ts';

const CHILD = new URL('./children/lock-child.ts', import.meta.url);
const newLock = () => join(newFolder(), 'a.lock');

describe('a lock on a file', () => {
  it('is held while its process runs, even if nothing refers to it any more', async () => {
    const path = newLock();
    expect(tryFileLock(path) === null).toBe(false);
    await collectGarbage();
    expect(tryFileLock(path)).toBeNull();
  });

  it('has one holder, and leaves an empty file', async () => {
    const path = newLock();
    const release = tryFileLock(path)!;
    expect([tryFileLock(path), awaitFileLockSync(path, 20), isFileLocked(path)]).toEqual([null, null, true]);
    const waiting = awaitFileLock(path, 10_000);
    await sleep(30);
    release();
    const second = (await waiting)!;
    expect(isFileLocked(path)).toBe(true);
    second();
    expect([isFileLocked(path), statSync(path).size]).toEqual([false, 0]);
    tryFileLock(path)!();
  });

  it('locks the file that exists: a removed file locks nothing', async () => {
    const path = newLock();
    const release = tryFileLock(path)!;
    const waiting = awaitFileLock(path, 10_000);
    rmSync(path);
    const other = tryFileLock(path)!;
    release();
    await sleep(50);
    // it waits for the new file, whose lock is taken
    expect(await Promise.race([waiting, sleep(50, 'waits')])).toBe('waits');
    other();
    (await waiting)!();
  });

  it('has the permissions of its folder', () => {
    for (const mode of [0o700, 0o775, 0o2770]) {
      const path = newLock();
      chmodSync(join(path, '..'), mode);
      tryFileLock(path)!();
      expect(statSync(path).mode & 0o777).toBe(mode & 0o666);
    }
  });

  it('says what is wrong with a file that is not a lock, or with a missing folder', () => {
    const path = newLock();
    writeFileSync(path, '1 234 of an earlier release\n');
    expect(() => tryFileLock(path)).toThrow(
      `cannot lock ${path}: the file is not empty, so it is not a lock file; remove it`,
    );
    expect(() => tryFileLock(join(newFolder(), 'none', 'a.lock'))).toThrow(/cannot make .*ENOENT/);
  });
});

describe('a lock on a full disk', () => {
  const folder = temporaryFolder();
  const isMounted = HAS_PROC && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status === 0;
  afterAll(() => {
    if (isMounted) spawnSync('umount', ['--lazy', folder]);
  });
  const isFilled = () => {
    try {
      for (let i = 0; ; i++) writeFileSync(join(folder, `filler-${i}`), Buffer.alloc(4096), { flag: 'wx' });
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOSPC';
    }
  };

  // if none can be mounted, the test is skipped; in CI it fails instead
  it.runIf(isMounted || process.env['CI'])('is taken and given back, its file made with no byte free', () => {
    expect([isMounted, isFilled()]).toEqual([true, true]);
    const path = join(folder, 'a.lock');
    const release = tryFileLock(path)!;
    expect([existsSync(path), tryFileLock(path)]).toEqual([true, null]);
    release();
    tryFileLock(path)!();
  });
});

describeInNamespaces('a lock on a file of several PID namespaces', () => {
  it('is free as soon as its holder is killed, even if the next one has the same process id', {
    timeout: 60_000,
  }, async () => {
    const path = newLock();
    for (let turn = 0; turn < 2; turn++) {
      const { child, ended } = runInNamespace(CHILD, [path]);
      // waits for its message: a look while it takes the lock may make it try again
      await once(child.stdout!, 'data');
      expect([isFileLocked(path), tryFileLock(path)]).toEqual([true, null]);
      child.kill('SIGKILL');
      expect((await ended).lines).toEqual(['held']);
      const release = await awaitFileLock(path, 5_000);
      expect(release).not.toBeNull();
      release!();
    }
  });

  it('never has two holders', { timeout: 120_000 }, async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'shared'));
    const args = [join(folder, 'shared', 'a.lock'), String(size(100, 1_000))];
    const sides = await Promise.all([1, 2, 3].map(() => runInNamespace(CHILD, args).ended));
    for (const { lines, errors } of sides) expect([lines, errors]).toEqual([['0 overlaps'], '']);
  });
});
