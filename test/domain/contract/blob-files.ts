/** What every storage of single files has to do. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BlobFiles } from '../../../src/domain/ports/blob-files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const bytes = (text: string) => Buffer.from(text);
const textOf = async (files: BlobFiles, name: string) => {
  const found = await files.find(name);
  return found === null ? null : Buffer.from(found.data).toString();
};

/** `open` opens the same empty storage each time until the test ends. */
export function describeBlobFiles(newStorage: () => () => BlobFiles): void {
  describe('single files of blob storage', () => {
    it('are found with a tag that changes with their bytes', async () => {
      const files = newStorage()();
      expect(await files.find('a/one')).toBeNull();
      const first = await files.put('a/one', bytes('1'));
      expect(await files.find('a/one')).toMatchObject({ tag: first });
      const second = await files.put('a/one', bytes('2'));
      expect(second).not.toBe(first);
      expect(await textOf(files, 'a/one')).toBe('2');
    });

    it('are put if absent by one of many callers', async () => {
      const open = newStorage();
      const tags = await Promise.all(['a', 'b', 'c', 'd'].map((text) => open().put('key', bytes(text), 'if-absent')));
      const winners = tags.flatMap((tag, i) => (tag === null ? [] : [i]));
      expect(winners).toHaveLength(1);
      expect(await textOf(open(), 'key')).toBe(['a', 'b', 'c', 'd'][winners[0]!]);
    });

    it('are replaced by one of many callers that name the same tag', async () => {
      const open = newStorage();
      const ifTag = (await open().put('index', bytes('0')))!;
      const tags = await Promise.all(['1', '2', '3'].map((text) => open().put('index', bytes(text), { ifTag })));
      const winners = tags.flatMap((tag, i) => (tag === null ? [] : [i]));
      expect(winners).toHaveLength(1);
      expect(await textOf(open(), 'index')).toBe(['1', '2', '3'][winners[0]!]);
      expect(await open().put('index', bytes('9'), { ifTag })).toBeNull();
      expect(await open().put('new', bytes('9'), { ifTag })).toBeNull();
      expect(await open().find('new')).toBeNull();
    });

    it('come from files of this machine and go to files of this machine', async () => {
      const files = newStorage()();
      const folder = temporaryFolder();
      const large = Buffer.alloc(3_000_000, 'abc');
      writeFileSync(join(folder, 'from'), large);
      await files.putFile('large', join(folder, 'from'));
      await files.fetchFile('large', join(folder, 'to'));
      expect(readFileSync(join(folder, 'to')).equals(large)).toBe(true);
      await expect(files.fetchFile('missing', join(folder, 'no'))).rejects.toMatchObject({
        ...{ code: 'storage_failed', facts: { errno: 'ENOENT' } },
      });
      expect(existsSync(join(folder, 'no'))).toBe(false);
    });

    it('are put from memory whatever their size, and replaced', async () => {
      const files = newStorage()();
      for (const size of [0, 5, 11_000_000]) {
        const large = Buffer.alloc(size, 'abc');
        await files.putLarge('large', large);
        expect(large.equals((await files.find('large'))!.data)).toBe(true);
      }
    });

    it('are listed by the beginning of their names, and deleted', async () => {
      const files = newStorage()();
      for (const name of ['p/files/aa', 'p/files/ab', 'p/files2/aa', 'q']) await files.put(name, bytes(name));
      const names = async (prefix: string) => (await files.list(prefix)).map(({ name }) => name).sort();
      expect(await names('p/files/')).toEqual(['p/files/aa', 'p/files/ab']);
      expect(await names('p/files')).toEqual(['p/files/aa', 'p/files/ab', 'p/files2/aa']);
      expect(await names('')).toHaveLength(4);
      expect(await files.list('p/files/aa')).toEqual([
        { name: 'p/files/aa', sizeBytes: 10, putAt: expect.any(Number) },
      ]);
      await files.deleteFile('p/files/aa');
      await files.deleteFile('p/files/aa');
      expect(await names('p/files/')).toEqual(['p/files/ab']);
      expect(await files.find('p/files/aa')).toBeNull();
    });
  });
}
