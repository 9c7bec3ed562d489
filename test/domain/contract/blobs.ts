/** Blobs: published as a whole, read by ranges, and removed with their owners. */
import { describe, expect, it } from 'vitest';
import { type Blobs, untilRead } from '../../../src/domain/ports/blobs.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { checkpointFolder, rankingFolder } from '../../../src/domain/ranking-name.ts';
import { everyoneIsKnown, expand, newCampaign } from './inputs.ts';
import type { NewData } from './new-data.ts';

const DAY_MS = 24 * 3600 * 1000;
const bytes = (text: string) => Buffer.from(text);
const MISSING = expect.objectContaining({ code: 'storage_failed', facts: { errno: 'ENOENT' } });

async function put(blobs: Blobs, folder: string, text = 'abcdef'): Promise<void> {
  await blobs.publish(folder, new Map([['a.bin', bytes(text)]]));
}

/** Finishes the next job with a ranking; returns the name of the ranking. */
async function finishNext(store: CampaignStore): Promise<string> {
  const job = (await store.claim('1:a'))!;
  const folder = rankingFolder(job.campaignId, job.expansionId);
  await put(store.blobs, folder);
  expect(await expand(store, job, { folder })).toBe(true);
  return folder;
}

export function describeBlobs(newData: NewData): void {
  describe('blobs', () => {
    it('are read by ranges, up to their end', async () => {
      const { blobs } = await newData().open();
      await put(blobs, 'audiences/c/e');
      const blob = await blobs.open('audiences/c/e', 'a.bin');
      const target = new Uint8Array(4);
      expect([blob.sizeBytes, await untilRead(() => blob.read(target, 1))]).toEqual([6, 4]);
      expect(bytes('bcde').equals(target)).toBe(true);
      expect([blob.read(target, 4), blob.read(target, 6), blob.read(new Uint8Array(0), 0)]).toEqual([2, 0, 0]);
      blob.close();
      blob.close();
      expect(() => blob.read(target, 0)).toThrow('is closed');
      expect(Buffer.from(await blobs.read('audiences/c/e', 'a.bin')).toString()).toBe('abcdef');
    });

    it('never miss a part of a file that is opened as a whole', async () => {
      const { blobs } = await newData().open();
      const data = Buffer.alloc(20 * 2 ** 20, 'abcdefg');
      await blobs.publish('audiences/c/e', new Map([['a.bin', data]]));
      const blob = await blobs.open('audiences/c/e', 'a.bin', { whole: true });
      const target = Buffer.alloc(data.length);
      expect([blob.read(target, 0), target.equals(data)]).toEqual([data.length, true]);
      blob.close();
    });

    it('are seen by other stores once published, and stay readable when replaced or deleted', async () => {
      const data = newData();
      const [{ blobs }, { blobs: others }] = [await data.open(), await data.open()];
      expect(await others.has('audiences/c/e')).toBe(false);
      await put(blobs, 'audiences/c/e');
      const early = await others.open('audiences/c/e', 'a.bin');
      await put(blobs, 'audiences/c/e', 'another');
      const late = await others.open('audiences/c/e', 'a.bin');
      await others.delete('audiences/c/e');
      expect([await blobs.has('audiences/c/e'), early.sizeBytes, late.sizeBytes]).toEqual([false, 6, 7]);
      const target = new Uint8Array(3);
      expect(await untilRead(() => early.read(target, 0))).toBe(3);
      expect(Buffer.from(target).toString()).toBe('abc');
      early.close();
      late.close();
      await others.delete('audiences/c/e');
    });

    it('throw storage_failed, ENOENT, when the folder or file does not exist', async () => {
      const { blobs } = await newData().open();
      await put(blobs, 'audiences/c/e');
      await expect(blobs.open('audiences/c/e', 'b.bin')).rejects.toThrow(MISSING);
      await expect(blobs.open('audiences/c/f', 'a.bin')).rejects.toThrow(MISSING);
      await expect(blobs.read('audiences/c/f', 'a.bin')).rejects.toThrow(MISSING);
    });

    it('cannot have names that lead out of the store', async () => {
      const { blobs } = await newData().open();
      for (const folder of ['..', '../elsewhere', 'audiences/../../elsewhere'])
        for (const call of [
          () => put(blobs, folder),
          () => blobs.has(folder),
          () => blobs.delete(folder),
          async () => blobs.write(folder),
          () => blobs.list(folder),
          () => blobs.deleteFile('audiences', `../${folder}`),
        ])
          await expect(call).rejects.toThrow('leads out of the store');
    });
  });

  describe('blobs that are written as their bytes arrive', () => {
    it('are found once they are published, and not before', async () => {
      const data = newData();
      const [{ blobs }, { blobs: others }] = [await data.open(), await data.open()];
      const writer = blobs.write('sets');
      for (const text of ['ab', '', 'cdef']) writer.write(bytes(text));
      await expect(others.open('sets', 'a.bin')).rejects.toThrow(MISSING);
      const unnamed = await writer.finish();
      await expect(others.open('sets', 'a.bin')).rejects.toThrow(MISSING);
      await unnamed.publish('a.bin');
      unnamed.discard();
      expect(await others.list('sets')).toEqual(['a.bin']);
      expect(Buffer.from(await others.read('sets', 'a.bin')).toString()).toBe('abcdef');
    });

    it('replace a file of the same name, which stays readable', async () => {
      const { blobs } = await newData().open();
      for (const text of ['first', 'second']) {
        const writer = blobs.write('sets');
        writer.write(bytes(text));
        const early = text === 'second' ? await blobs.open('sets', 'a.bin') : null;
        await (await writer.finish()).publish('a.bin');
        const target = new Uint8Array(9);
        const read = await untilRead(() => early?.read(target, 0));
        if (early) expect(bytes('first').equals(target.subarray(0, read))).toBe(true);
        early?.close();
      }
      expect(Buffer.from(await blobs.read('sets', 'a.bin')).toString()).toBe('second');
    });

    it('can be read before they are complete', async () => {
      const { blobs } = await newData().open();
      const writer = blobs.write('sets');
      const target = new Uint8Array(4);
      writer.write(bytes('abc'));
      expect([writer.read(target, 1), target[0], target[1]]).toEqual([2, 98, 99]);
      writer.write(bytes('def'));
      expect([writer.read(target, 2), bytes('cdef').equals(target)]).toEqual([4, true]);
      await (await writer.finish()).publish('a.bin');
      expect(Buffer.from(await blobs.read('sets', 'a.bin')).toString()).toBe('abcdef');
    });

    it('leave nothing if they are aborted or discarded', async () => {
      const { blobs } = await newData().open();
      expect(await blobs.list('sets')).toEqual([]);
      await (await blobs.write('sets').finish()).publish('a.bin');
      const aborted = blobs.write('sets');
      aborted.write(bytes('half'));
      aborted.abort();
      aborted.abort();
      (await blobs.write('sets').finish()).discard();
      expect(await blobs.list('sets')).toEqual(['a.bin']);
    });

    it('are removed one by one', async () => {
      const { blobs } = await newData().open();
      for (const file of ['a.bin', 'b.bin']) await (await blobs.write('sets').finish()).publish(file);
      const early = await blobs.open('sets', 'a.bin');
      await blobs.deleteFile('sets', 'a.bin');
      await blobs.deleteFile('sets', 'a.bin');
      expect([await blobs.list('sets'), early.sizeBytes]).toEqual([['b.bin'], 0]);
      early.close();
    });
  });

  describe('rankings', () => {
    it('are removed with pruned audience versions, but not with versions that are kept', async () => {
      const data = newData();
      const store = await data.open();
      const { id } = await store.create(newCampaign(), everyoneIsKnown);
      const folders = [await finishNext(store)];
      for (let i = 0; i < 4; i++) {
        await store.expand(id);
        folders.push(await finishNext(store));
      }
      const kept = async () => {
        const isThere = await Promise.all(folders.map((folder) => store.blobs.has(folder)));
        return isThere.flatMap((is, i) => (is ? [i + 1] : []));
      };
      await store.activate(id, 1);
      await store.prune({ versions: 3, days: 1 });
      expect(await kept()).toEqual([1, 3, 4, 5]);
      await store.activate(id, 5);
      await store.prune({ versions: 2, days: 1 });
      expect(await kept()).toEqual([3, 4, 5]);
      data.clock.pass(DAY_MS + 1);
      await store.prune({ versions: 3, days: 1 });
      expect(await kept()).toEqual([5]);
    });

    it('are removed with their campaign, except for one that another expansion is writing', async () => {
      const store = await newData().open();
      const { id } = await store.create(newCampaign(), everyoneIsKnown);
      const folder = await finishNext(store);
      const running = await store.create(newCampaign(), everyoneIsKnown);
      const unfinished = rankingFolder(running.id, running.expansionId!);
      const kept = checkpointFolder(running.id, running.expansionId!);
      for (const name of [unfinished, kept]) await put(store.blobs, name);
      await store.delete(id);
      expect(await Promise.all([folder, unfinished, kept].map((name) => store.blobs.has(name)))).toEqual([
        false,
        true,
        true,
      ]);
      await store.cancel(running.id, running.expansionId!);
      await store.removeUnusedFiles();
      expect(await Promise.all([unfinished, kept].map((name) => store.blobs.has(name)))).toEqual([false, false]);
    });
  });
}
