/** Files of the data folder: refused, and removed with their owners. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { userSetFile } from '../../../src/storage/files/set-file.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { dataFolder } from './data-folder.ts';

describe('files of user sets', () => {
  it('leaves no campaign if its seeds cannot be written', async () => {
    const data = dataFolder();
    const store = await data.open();
    writeFileSync(join(data.folder, 'seeds'), 'a file where the folder should be');
    await expect(store.create(newCampaign(), everyoneIsKnown)).rejects.toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    );
    expect((await store.list({ limit: 10 })).items).toEqual([]);
  });
});

describe('files without a row', () => {
  it('are removed at a start, except those of a running expansion and of others', async () => {
    const data = dataFolder();
    const store = await data.open();
    const running = await store.create(newCampaign(), everyoneIsKnown);
    const fresh = join(data.folder, 'audiences', running.id, `${running.expansionId}.new-1`);
    mkdirSync(fresh, { recursive: true });
    writeFileSync(join(data.folder, 'seeds', 'notes.md'), "somebody's own");
    writeFileSync(join(data.folder, 'seeds', 'half.tmp'), 'half a file');
    await store.takeFolder();
    await store.removeLeftovers();
    expect(existsSync(fresh)).toBe(true);
    const seeds = userSetFile((await store.userSets.find({ kind: 'seeds', campaignId: running.id }))!);
    expect(readdirSync(join(data.folder, 'seeds')).sort()).toEqual([seeds, 'notes.md'].sort());
    await store.cancel(running.id, running.expansionId!);
    await store.removeLeftovers();
    expect(existsSync(join(data.folder, 'audiences', running.id))).toBe(false);
  });
});
