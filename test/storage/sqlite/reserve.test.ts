import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/lib/errors.ts';
import { Reserve } from '../../../src/storage/sqlite/database/reserve.ts';
import { useFolders } from '../../fixture/folders.ts';

const newFolder = useFolders();
const BYTES = 700_000;

const failure = (errno: string) => new AppError('storage_failed', 'cannot write', { facts: { errno } });

/** Fails a number of times, then succeeds; counts its calls. */
function failing(times: number, error: unknown) {
  const action = () => {
    action.calls += 1;
    if (action.calls <= times) throw error;
    return 'done';
  };
  action.calls = 0;
  return action;
}

async function reserveIn(folder: string): Promise<Reserve> {
  const reserve = new Reserve(folder);
  await reserve.keep(BYTES);
  return reserve;
}

describe('the reserve of a data folder', () => {
  it('has its size on the disk, is completed after an interruption, and shrinks', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'reserve'), Buffer.alloc(1000, 1));
    const reserve = await reserveIn(folder);
    expect(reserve.sizeBytes()).toBe(BYTES);
    expect(statSync(join(folder, 'reserve')).blocks * 512).toBeGreaterThanOrEqual(BYTES);
    await reserve.keep(300_000);
    expect(reserve.sizeBytes()).toBe(300_000);
    await reserve.keep(0);
    expect([reserve.sizeBytes(), reserve.isGivenUp]).toEqual([0, false]);
  });

  it.each(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE', 'ENOSPC', 'EDQUOT'])(
    'is released on %s, and created again',
    async (errno) => {
      const reserve = await reserveIn(newFolder());
      const action = failing(1, failure(errno));
      expect(await reserve.using(async () => action())).toBe('done');
      expect([action.calls, reserve.sizeBytes(), reserve.isGivenUp]).toEqual([2, 0, true]);
      await reserve.keep(BYTES);
      expect([reserve.sizeBytes(), reserve.isGivenUp]).toEqual([BYTES, false]);
    },
  );

  it('is tried once, and not for other errors', async () => {
    const reserve = await reserveIn(newFolder());
    const other = failing(1, failure('EACCES'));
    await expect(reserve.using(async () => other())).rejects.toThrow('cannot write');
    expect([other.calls, reserve.sizeBytes()]).toEqual([1, BYTES]);
    const twice = failing(2, failure('ENOSPC'));
    await expect(reserve.using(async () => twice())).rejects.toThrow('cannot write');
    expect([twice.calls, reserve.sizeBytes()]).toEqual([2, 0]);
  });

  it('stays released if that happens while it is being created', async () => {
    const reserve = new Reserve(newFolder());
    const made = reserve.keep(50_000_000);
    while (reserve.sizeBytes() === 0) await new Promise(setImmediate);
    reserve.giveUp();
    await made;
    expect([reserve.sizeBytes(), reserve.isGivenUp]).toEqual([0, true]);
  });
});
