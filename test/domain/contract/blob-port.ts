/** What every implementation of the port of blobs has to do, wherever the blobs are. */
import { describe, expect, it } from 'vitest';
import { type Blobs, type OpenBlob, untilRead } from '../../../src/domain/ports/blobs.ts';

const bytes = (text: string) => Buffer.from(text);
const MISSING = { code: 'storage_failed', facts: { errno: 'ENOENT' } };
const FOLDER = 'audiences/c/e';

/** Publishes a folder with the file a.bin. */
export function put(blobs: Blobs, folder: string, text = 'abcdef'): Promise<void> {
  return blobs.publish(folder, new Map([['a.bin', bytes(text)]]));
}

/** Writes a single file. */
export async function writeFile(blobs: Blobs, folder: string, file: string, text = ''): Promise<void> {
  const writer = blobs.write(folder);
  writer.write(bytes(text));
  await (await writer.finish()).publish(file);
}

export async function textOf(blobs: Blobs, folder: string, file = 'a.bin'): Promise<string> {
  return Buffer.from(await blobs.read(folder, file)).toString();
}

/** `newStorage` makes an empty storage, which each call of its result opens again, as another process would. */
export function describeBlobPort(newStorage: () => () => Promise<Blobs>): void {
  describe('blobs', () => {
    it('are read by ranges, up to their end', async () => {
      const blobs = await newStorage()();
      await put(blobs, FOLDER);
      const blob = await blobs.open(FOLDER, 'a.bin');
      expect(blob.sizeBytes).toBe(6);
      const parts = [1, 4, 6].map((position) => readText(blob, position, 4));
      expect(await Promise.all([...parts, readText(blob, 0, 0)])).toEqual(['bcde', 'ef', '', '']);
      blob.close();
      blob.close();
      expect(() => blob.read(new Uint8Array(1), 0)).toThrow('is closed');
      expect(await textOf(blobs, FOLDER)).toBe('abcdef');
    });

    it('are seen by others once published, and stay readable when replaced or deleted', async () => {
      const open = newStorage();
      const [blobs, others] = [await open(), await open()];
      expect(await others.has(FOLDER)).toBe(false);
      await put(blobs, FOLDER);
      expect(await others.has(FOLDER)).toBe(true);
      const early = await others.open(FOLDER, 'a.bin');
      await put(blobs, FOLDER, 'another');
      const late = await others.open(FOLDER, 'a.bin');
      await others.delete(FOLDER);
      expect([await blobs.has(FOLDER), early.sizeBytes, late.sizeBytes]).toEqual([false, 6, 7]);
      expect([await readText(early, 0, 3), await readText(late, 0, 9)]).toEqual(['abc', 'another']);
      early.close();
      late.close();
      await others.delete(FOLDER);
    });

    it('never miss a part of a file that is opened as a whole', async () => {
      const blobs = await newStorage()();
      const data = Buffer.alloc(20 * 2 ** 20, 'abcdefg');
      await blobs.publish(FOLDER, new Map([['a.bin', data]]));
      const blob = await blobs.open(FOLDER, 'a.bin', { whole: true });
      const target = Buffer.alloc(data.length);
      expect([blob.read(target, 0), target.equals(data)]).toEqual([data.length, true]);
      blob.close();
    });

    it('are replaced as a whole: no file of the earlier folder is left', async () => {
      const blobs = await newStorage()();
      await blobs.publish(
        FOLDER,
        new Map([
          ['a.bin', bytes('a')],
          ['b.bin', bytes('b')],
        ]),
      );
      await put(blobs, FOLDER, 'new');
      expect(await blobs.list(FOLDER)).toEqual(['a.bin']);
      await expect(blobs.open(FOLDER, 'b.bin')).rejects.toMatchObject(MISSING);
    });

    it('are whole when two writers publish one name at once', async () => {
      const open = newStorage();
      const texts = ['first', 'second', 'third'];
      const both = (text: string) =>
        new Map([
          ['a.bin', bytes(text)],
          ['b.bin', bytes(text)],
        ]);
      await Promise.all(texts.map(async (text) => (await open()).publish(FOLDER, both(text))));
      const a = await textOf(await open(), FOLDER);
      expect(texts).toContain(a);
      expect(await textOf(await open(), FOLDER, 'b.bin')).toBe(a);
    });

    it('are removed with the folders below their folder', async () => {
      const blobs = await newStorage()();
      for (const folder of ['work/a/1', 'work/a/2', 'work/ab']) await put(blobs, folder);
      await blobs.delete('work/a');
      const has = await Promise.all(['work/a/1', 'work/a/2', 'work/ab'].map((folder) => blobs.has(folder)));
      expect(has).toEqual([false, false, true]);
    });

    it('throw storage_failed, ENOENT, when the folder or file does not exist', async () => {
      const blobs = await newStorage()();
      await put(blobs, FOLDER);
      await expect(blobs.open(FOLDER, 'b.bin')).rejects.toMatchObject(MISSING);
      await expect(blobs.open('audiences/c/f', 'a.bin')).rejects.toMatchObject(MISSING);
      await expect(blobs.read('audiences/c/f', 'a.bin')).rejects.toMatchObject(MISSING);
      await expect(blobs.open(FOLDER, 'constructor')).rejects.toMatchObject(MISSING);
    });

    it('cannot have names that lead out of the store', async () => {
      const blobs = await newStorage()();
      for (const folder of ['..', '../elsewhere', 'audiences/../../elsewhere'])
        for (const call of [
          () => put(blobs, folder),
          () => blobs.has(folder),
          () => blobs.delete(folder),
          () => blobs.write(folder),
          () => blobs.list(folder),
          () => blobs.deleteFile('audiences', `../${folder}`),
        ])
          await expect((async () => await call())()).rejects.toThrow('leads out of the store');
    });
  });

  describe('blobs that are written as their bytes arrive', () => {
    it('are found once they are published, and not before', async () => {
      const open = newStorage();
      const [blobs, others] = [await open(), await open()];
      const writer = blobs.write('sets');
      for (const text of ['ab', '', 'cdef']) writer.write(bytes(text));
      await expect(others.open('sets', 'a.bin')).rejects.toMatchObject(MISSING);
      const unnamed = await writer.finish();
      await expect(others.open('sets', 'a.bin')).rejects.toMatchObject(MISSING);
      await unnamed.publish('a.bin');
      unnamed.discard();
      expect(await others.list('sets')).toEqual(['a.bin']);
      expect(await textOf(others, 'sets')).toBe('abcdef');
    });

    it('replace a file of the same name, which stays readable', async () => {
      const blobs = await newStorage()();
      await writeFile(blobs, 'sets', 'a.bin', 'first');
      const early = await blobs.open('sets', 'a.bin');
      await writeFile(blobs, 'sets', 'a.bin', 'second');
      expect(await readText(early, 0, 9)).toBe('first');
      early.close();
      expect(await textOf(blobs, 'sets')).toBe('second');
    });

    it('can be read before they are complete', async () => {
      const blobs = await newStorage()();
      const writer = blobs.write('sets');
      const target = new Uint8Array(4);
      writer.write(bytes('abc'));
      expect([writer.read(target, 1), target[0], target[1]]).toEqual([2, 98, 99]);
      writer.write(bytes('def'));
      expect([writer.read(target, 2), bytes('cdef').equals(target)]).toEqual([4, true]);
      await (await writer.finish()).publish('a.bin');
      expect(await textOf(blobs, 'sets')).toBe('abcdef');
    });

    it('leave nothing if they are aborted or discarded', async () => {
      const blobs = await newStorage()();
      expect(await blobs.list('sets')).toEqual([]);
      await writeFile(blobs, 'sets', 'a.bin');
      const aborted = blobs.write('sets');
      aborted.write(bytes('half'));
      aborted.abort();
      aborted.abort();
      (await blobs.write('sets').finish()).discard();
      expect(await blobs.list('sets')).toEqual(['a.bin']);
    });

    it('are removed one by one', async () => {
      const blobs = await newStorage()();
      for (const file of ['a.bin', 'b.bin']) await writeFile(blobs, 'sets', file);
      const early = await blobs.open('sets', 'a.bin');
      await blobs.deleteFile('sets', 'a.bin');
      await blobs.deleteFile('sets', 'a.bin');
      expect([await blobs.list('sets'), early.sizeBytes]).toEqual([['b.bin'], 0]);
      expect([await blobs.hasFile('sets', 'a.bin'), await blobs.hasFile('sets', 'b.bin')]).toEqual([false, true]);
      early.close();
    });

    it('may be in a published folder, beside its files', async () => {
      const blobs = await newStorage()();
      await put(blobs, FOLDER);
      await writeFile(blobs, FOLDER, 'b.bin', 'b');
      expect(await blobs.list(FOLDER)).toEqual(['a.bin', 'b.bin']);
      expect([await textOf(blobs, FOLDER), await textOf(blobs, FOLDER, 'b.bin')]).toEqual(['abcdef', 'b']);
      await blobs.delete(FOLDER);
      expect([await blobs.has(FOLDER), await blobs.list(FOLDER)]).toEqual([false, []]);
    });
  });
}

async function readText(blob: OpenBlob, position: number, length: number): Promise<string> {
  const target = new Uint8Array(length);
  return Buffer.from(target.subarray(0, await untilRead(() => blob.read(target, position)))).toString();
}
