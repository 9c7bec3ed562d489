/** Blobs: published as a whole, read by ranges, and removed with their owners. */
import { describe, expect, it } from 'vitest';
import type { Blobs } from '../../../src/domain/ports/local-blobs.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { checkpointFolder, rankingFolder } from '../../../src/domain/ranking-name.ts';
import { everyoneIsKnown, expand, newCampaign } from './inputs.ts';
import type { NewData } from './new-data.ts';

const DAY_MS = 24 * 3600 * 1000;
const bytes = (text: string) => Buffer.from(text);
const MISSING = expect.objectContaining({ code: 'storage_failed', facts: { errno: 'ENOENT' } });

function put(blobs: Blobs, folder: string, text = 'abcdef'): void {
  blobs.publish(folder, new Map([['a.bin', bytes(text)]]));
}

/** Finishes the next job with a ranking; returns the name of the ranking. */
async function finishNext(store: CampaignStore): Promise<string> {
  const job = (await store.claim('1:a'))!;
  const folder = rankingFolder(job.campaignId, job.expansionId);
  put(store.blobs, folder);
  expect(await expand(store, job, { folder })).toBe(true);
  return folder;
}

export function describeBlobs(newData: NewData): void {
  describe('blobs', () => {
    it('are read by ranges, up to their end', async () => {
      const { blobs } = await newData().open();
      put(blobs, 'audiences/c/e');
      const blob = blobs.open('audiences/c/e', 'a.bin');
      const target = new Uint8Array(4);
      expect([blob.sizeBytes, blob.read(target, 1), bytes('bcde').equals(target)]).toEqual([6, 4, true]);
      expect([blob.read(target, 4), blob.read(target, 6), blob.read(new Uint8Array(0), 0)]).toEqual([2, 0, 0]);
      blob.close();
      blob.close();
      expect(() => blob.read(target, 0)).toThrow('is closed');
      expect(Buffer.from(blobs.read('audiences/c/e', 'a.bin')).toString()).toBe('abcdef');
    });

    it('are seen by other stores once published, and stay readable when replaced or deleted', async () => {
      const data = newData();
      const [{ blobs }, { blobs: others }] = [await data.open(), await data.open()];
      expect(others.has('audiences/c/e')).toBe(false);
      put(blobs, 'audiences/c/e');
      const early = others.open('audiences/c/e', 'a.bin');
      put(blobs, 'audiences/c/e', 'another');
      const late = others.open('audiences/c/e', 'a.bin');
      others.delete('audiences/c/e');
      expect([blobs.has('audiences/c/e'), early.sizeBytes, late.sizeBytes]).toEqual([false, 6, 7]);
      const target = new Uint8Array(3);
      expect([early.read(target, 0), Buffer.from(target).toString()]).toEqual([3, 'abc']);
      early.close();
      late.close();
      others.delete('audiences/c/e');
    });

    it('throw storage_failed, ENOENT, when the folder or file does not exist', async () => {
      const { blobs } = await newData().open();
      put(blobs, 'audiences/c/e');
      expect(() => blobs.open('audiences/c/e', 'b.bin')).toThrow(MISSING);
      expect(() => blobs.open('audiences/c/f', 'a.bin')).toThrow(MISSING);
      expect(() => blobs.read('audiences/c/f', 'a.bin')).toThrow(MISSING);
    });

    it('cannot have names that lead out of the store', async () => {
      const { blobs } = await newData().open();
      for (const folder of ['..', '../elsewhere', 'audiences/../../elsewhere'])
        for (const call of [
          () => put(blobs, folder),
          () => blobs.has(folder),
          () => blobs.delete(folder),
          () => blobs.write(folder),
          () => blobs.list(folder),
          () => blobs.deleteFile('audiences', `../${folder}`),
        ])
          expect(call).toThrow('leads out of the store');
    });
  });

  describe('blobs that are written as their bytes arrive', () => {
    it('are found once they are published, and not before', async () => {
      const data = newData();
      const [{ blobs }, { blobs: others }] = [await data.open(), await data.open()];
      const writer = blobs.write('sets');
      for (const text of ['ab', '', 'cdef']) writer.write(bytes(text));
      expect(() => others.open('sets', 'a.bin')).toThrow(MISSING);
      const unnamed = await writer.finish();
      expect(() => others.open('sets', 'a.bin')).toThrow(MISSING);
      unnamed.publish('a.bin');
      unnamed.discard();
      expect(others.list('sets')).toEqual(['a.bin']);
      expect(Buffer.from(others.read('sets', 'a.bin')).toString()).toBe('abcdef');
    });

    it('replace a file of the same name, which stays readable', async () => {
      const { blobs } = await newData().open();
      for (const text of ['first', 'second']) {
        const writer = blobs.write('sets');
        writer.write(bytes(text));
        const early = text === 'second' ? blobs.open('sets', 'a.bin') : null;
        writer.finishSync().publish('a.bin');
        const target = new Uint8Array(9);
        if (early) expect(bytes('first').equals(target.subarray(0, early.read(target, 0)))).toBe(true);
        early?.close();
      }
      expect(Buffer.from(blobs.read('sets', 'a.bin')).toString()).toBe('second');
    });

    it('can be read before they are complete', async () => {
      const { blobs } = await newData().open();
      const writer = blobs.write('sets');
      const target = new Uint8Array(4);
      writer.write(bytes('abc'));
      expect([writer.read(target, 1), target[0], target[1]]).toEqual([2, 98, 99]);
      writer.write(bytes('def'));
      expect([writer.read(target, 2), bytes('cdef').equals(target)]).toEqual([4, true]);
      writer.finishSync().publish('a.bin');
      expect(Buffer.from(blobs.read('sets', 'a.bin')).toString()).toBe('abcdef');
    });

    it('leave nothing if they are aborted or discarded', async () => {
      const { blobs } = await newData().open();
      expect(blobs.list('sets')).toEqual([]);
      blobs.write('sets').finishSync().publish('a.bin');
      const aborted = blobs.write('sets');
      aborted.write(bytes('half'));
      aborted.abort();
      aborted.abort();
      (await blobs.write('sets').finish()).discard();
      expect(blobs.list('sets')).toEqual(['a.bin']);
    });

    it('are removed one by one', async () => {
      const { blobs } = await newData().open();
      for (const file of ['a.bin', 'b.bin']) blobs.write('sets').finishSync().publish(file);
      const early = blobs.open('sets', 'a.bin');
      blobs.deleteFile('sets', 'a.bin');
      blobs.deleteFile('sets', 'a.bin');
      expect([blobs.list('sets'), early.sizeBytes]).toEqual([['b.bin'], 0]);
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
      const kept = () => folders.flatMap((folder, i) => (store.blobs.has(folder) ? [i + 1] : []));
      await store.activate(id, 1);
      await store.prune({ versions: 3, days: 1 });
      expect(kept()).toEqual([1, 3, 4, 5]);
      await store.activate(id, 5);
      await store.prune({ versions: 2, days: 1 });
      expect(kept()).toEqual([3, 4, 5]);
      data.clock.pass(DAY_MS + 1);
      await store.prune({ versions: 3, days: 1 });
      expect(kept()).toEqual([5]);
    });

    it('are removed with their campaign, except for one that another expansion is writing', async () => {
      const store = await newData().open();
      const { id } = await store.create(newCampaign(), everyoneIsKnown);
      const folder = await finishNext(store);
      const running = await store.create(newCampaign(), everyoneIsKnown);
      const unfinished = rankingFolder(running.id, running.expansionId!);
      const kept = checkpointFolder(running.id, running.expansionId!);
      for (const name of [unfinished, kept]) put(store.blobs, name);
      await store.delete(id);
      expect([folder, unfinished, kept].map((name) => store.blobs.has(name))).toEqual([false, true, true]);
      await store.cancel(running.id, running.expansionId!);
      await store.removeUnusedFiles();
      expect([unfinished, kept].map((name) => store.blobs.has(name))).toEqual([false, false]);
    });
  });
}
