/** Files of the data folder: shared, refused, and removed with their owners. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { dataFolder } from './data-folder.ts';

describe('files of user sets', () => {
  it('shares one seed file between campaigns with the same set', async () => {
    const data = dataFolder();
    const store = await data.open();
    await store.create(newCampaign({ seeds: ['ann', 'bob'] }), everyoneIsKnown);
    await store.create(newCampaign({ seeds: ['bob', 'ann', 'bob'] }), everyoneIsKnown);
    expect(readdirSync(join(data.folder, 'seeds')).length).toBe(1);
  });

  it('leaves no campaign if its seeds cannot be written', async () => {
    const data = dataFolder();
    const store = await data.open();
    writeFileSync(join(data.folder, 'seeds'), 'a file where the folder should be');
    await expect(store.create(newCampaign(), everyoneIsKnown)).rejects.toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    );
    expect((await store.list({ limit: 10 })).items).toEqual([]);
  });

  it('throws storage_failed if the file was altered', async () => {
    const data = dataFolder();
    const store = await data.open();
    await store.create(newCampaign({ seeds: ['ann', 'bob'] }), everyoneIsKnown);
    const job = (await store.claim('1:a'))!;
    const sha256 = '96d7d896bf82d0eb9e36764b3b477bc6a07a2301eda20b31475fb0cba5d41361';
    expect([...(await store.setBlocks(job.sets.seeds))].flat()).toEqual(['ann', 'bob']);
    writeFileSync(join(data.folder, 'seeds', `${sha256}.txt`), 'ann\n');
    await expect(async () => [...(await store.setBlocks(job.sets.seeds))].flat()).rejects.toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    );
  });
});

describe('folders of rankings', () => {
  it('leaves alone the ranking that another expansion is writing', async () => {
    const data = dataFolder();
    const store = await data.open();
    const running = await store.create(newCampaign(), everyoneIsKnown);
    const fresh = join(data.folder, 'audiences', running.id, `${running.expansionId}.new-1`);
    mkdirSync(fresh, { recursive: true });
    await store.delete((await store.create(newCampaign({ seeds: undefined }), everyoneIsKnown)).id);
    expect(existsSync(fresh)).toBe(true);
    await store.cancel(running.id, running.expansionId!);
    await store.removeUnusedFiles();
    expect(existsSync(fresh)).toBe(false);
  });
});
