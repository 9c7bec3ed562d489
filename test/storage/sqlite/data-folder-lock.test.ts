/** One service per data folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockDataFolder } from '../../../src/storage/sqlite/database/data-folder.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

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

  it('throws storage_failed if the folder cannot be created', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(() => lockDataFolder(join(folder, 'file', 'data'))).toThrow(
      expect.objectContaining({ code: 'storage_failed', cause: expect.objectContaining({ code: 'ENOTDIR' }) }),
    );
  });
});
