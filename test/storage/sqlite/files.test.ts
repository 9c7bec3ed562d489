/** Files of the data folder: shared, refused, and removed with their owners. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { dataFolder } from './data-folder.ts';

describe('files of user sets', () => {
  it('shares one seed file between campaigns with the same set', () => {
    const data = dataFolder();
    const store = data.open();
    store.create(newCampaign({ seeds: ['ann', 'bob'] }), everyoneIsKnown);
    store.create(newCampaign({ seeds: ['bob', 'ann', 'bob'] }), everyoneIsKnown);
    expect(readdirSync(join(data.folder, 'seeds')).length).toBe(1);
  });

  it('leaves no campaign if its seeds cannot be written', () => {
    const data = dataFolder();
    const store = data.open();
    writeFileSync(join(data.folder, 'seeds'), 'a file where the folder should be');
    expect(() => store.create(newCampaign(), everyoneIsKnown)).toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    );
    expect(store.list({ limit: 10 }).items).toEqual([]);
  });

  it('throws storage_failed if the file was altered', () => {
    const data = dataFolder();
    const store = data.open();
    store.create(newCampaign({ seeds: ['ann', 'bob'] }), everyoneIsKnown);
    const job = store.claim('1:a')!;
    const sha256 = '96d7d896bf82d0eb9e36764b3b477bc6a07a2301eda20b31475fb0cba5d41361';
    expect([...store.setBlocks(job.sets.seeds)].flat()).toEqual(['ann', 'bob']);
    writeFileSync(join(data.folder, 'seeds', `${sha256}.txt`), 'ann\n');
    expect(() => [...store.setBlocks(job.sets.seeds)].flat()).toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    );
  });
});

describe('folders of rankings', () => {
  it('leaves alone the ranking that another expansion is writing', async () => {
    const data = dataFolder();
    const store = data.open();
    const running = store.create(newCampaign(), everyoneIsKnown);
    const fresh = join(data.folder, 'audiences', running.id, `${running.expansionId}.new-1`);
    mkdirSync(fresh, { recursive: true });
    await store.delete(store.create(newCampaign({ seeds: undefined }), everyoneIsKnown).id);
    expect(existsSync(fresh)).toBe(true);
    store.cancel(running.id, running.expansionId!);
    store.removeUnusedFiles();
    expect(existsSync(fresh)).toBe(false);
  });
});
