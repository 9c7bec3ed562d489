import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { DiskWatch } from '../../src/lib/files/disk-watch.ts';
import { freeBytesIn } from '../../src/lib/files/free-bytes.ts';
import { temporaryFolder } from '../fixture/folders.ts';

/** A watch of a folder, whose measurements are never fresh, and what it logged. */
function watch({ isCache }: { readonly isCache: boolean }) {
  const folder = join(temporaryFolder(), 'cache');
  const logged: string[] = [];
  let time = 0;
  const disk = new DiskWatch({
    readFree: () => freeBytesIn(folder),
    reserveBytes: 1,
    ...(isCache && { cacheFolder: folder }),
    clock: { elapsed: () => (time += 1_000) },
    logger: pino({ base: null }, { write: (line) => void logged.push(JSON.parse(line).msg) }),
  });
  return { disk, folder, logged };
}

describe('DiskWatch', () => {
  it('makes the folder of a cache again', () => {
    const { disk, folder, logged } = watch({ isCache: true });
    for (let i = 0; i < 3; i++) expect(disk.state()).toMatchObject({ fault: null, isLow: false });
    expect(freeBytesIn(folder)).toBeGreaterThan(0);
    expect(logged).toEqual(['the folder of the cache was gone: it was made again']);
  });

  it('reports a fault as a disk without room, and logs it once', () => {
    const { disk, folder, logged } = watch({ isCache: true });
    rmSync(join(folder, '..'), { recursive: true });
    writeFileSync(join(folder, '..'), '');
    for (let i = 0; i < 3; i++)
      expect(disk.state()).toMatchObject({ freeBytes: 0, isLow: true, fault: expect.stringMatching(/ENOTDIR/) });
    expect(logged).toEqual(['the free space of the disk cannot be read']);
    rmSync(join(folder, '..'));
    expect(disk.state()).toMatchObject({ fault: null, isLow: false });
    expect(logged.slice(1)).toEqual([
      'the folder of the cache was gone: it was made again',
      'the free space of the disk can be read again',
    ]);
  });

  it('does not make a data folder', () => {
    const { disk } = watch({ isCache: false });
    expect(disk.state()).toMatchObject({ isLow: true, fault: expect.stringMatching(/ENOENT/) });
    expect(disk.state()).toMatchObject({ isLow: true, fault: expect.stringMatching(/ENOENT/) });
  });
});
