/** One service per data folder, also across processes and after a crash. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { lockDataFolder } from '../../../src/storage/sqlite/database/data-folder.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const HOLDER = fileURLToPath(new URL('./children/hold-lock.ts', import.meta.url));

describe('lockDataFolder', () => {
  it('locks the folder, created if missing, for one holder, and for the next once it is released', () => {
    const folder = join(temporaryFolder(), 'new', 'data');
    const release = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(
      expect.objectContaining({ code: 'unavailable', message: expect.stringContaining(folder) }),
    );
    release();
    lockDataFolder(folder)();
  });

  it('refuses while another live process has it, and takes over once that was killed with -9', async () => {
    const folder = temporaryFolder();
    const other = spawn(process.execPath, [HOLDER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(other, 'exit');
    await once(other.stdout, 'data');
    expect(() => lockDataFolder(folder)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    other.kill('SIGKILL');
    await ended;
    lockDataFolder(folder)();
  });

  it('keeps other processes out', () => {
    const folder = temporaryFolder();
    const release = lockDataFolder(folder);
    const other = spawnSync(process.execPath, [HOLDER, folder], { encoding: 'utf8' });
    release();
    expect([other.status, other.stdout]).toEqual([1, 'refused: unavailable\n']);
  });

  it('throws storage_failed if the folder cannot be created', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(() => lockDataFolder(join(folder, 'file', 'data'))).toThrow(
      expect.objectContaining({ code: 'storage_failed', cause: expect.objectContaining({ code: 'ENOTDIR' }) }),
    );
  });
});
