/** Nothing is left of an erased user in the files of a data folder. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';
import { newCampaign } from '../../domain/contract/inputs.ts';
import { change } from '../../domain/contract/user-sets.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { holdFile, releaseFile } from '../../fixture/held-file.ts';
import { migratedDataFolder } from './data-folder.ts';

const filesWith = (folder: string, id: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(id))
    .map(({ name }) => name);

const CAN_HOLD = canHold();
if (!CAN_HOLD) process.stderr.write('SKIPPED: files whose removal fails need Linux and the right to mount\n');

function canHold(): boolean {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, '');
  const isHeld = holdFile(path);
  if (isHeld) releaseFile(path);
  return isHeld;
}

describe('an erasure in SQLite', () => {
  it('leaves no byte of the id in any file, including the write-ahead log', async () => {
    const { folder, open } = migratedDataFolder();
    const [store] = [await open(), await open()];
    const isKnown = (id: string) => !id.startsWith('unknown');
    const answer = () => JSON.stringify({ seeds: { unknown_examples: ['unknown-person-4711'] } });
    const campaigns = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        store.create(
          newCampaign({ seeds: ['ann', 'bob', `person-${i}`, 'unknown-person-4711'], externalId: `e${i}` }),
          isKnown,
          { key: `k${i}`, requestSha256: 'r', answer },
        ),
      ),
    );
    await change(store.userSets, { kind: 'common_suppression' }, 'replace', ['unknown-person-4711', 'zoe']);
    for (const { id } of campaigns) {
      const users = Array.from({ length: 40 }, (_, i) => `person-with-feedback-${i}`);
      const events = [...users, 'unknown-person-4711'].map((userId) => ({ userId, event: 'click', happenedAt: 1 }));
      await store.addFeedback(id, events as never);
    }
    expect(filesWith(folder, 'unknown-person-4711').length).toBeGreaterThan(2);

    await store.requestErasure(['unknown-person-4711']);
    expect(await store.eraseUsers(['unknown-person-4711'])).toEqual({
      ...{ users: 1, sets: 31, feedback: 30, answers: 30 },
    });
    expect(filesWith(folder, 'unknown-person-4711')).toEqual([]);
    expect(filesWith(folder, 'person-with-feedback-7').length).toBeGreaterThan(0);
    // on disk as well, not only in the view of this process
    const database = connect(join(folder, 'metaheac.db'), { readonly: true });
    expect(database.prepare('SELECT users, sets, feedback, answers FROM erasures').all()).toEqual([
      { users: 1, sets: 31, feedback: 30, answers: 30 },
    ]);
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
  });

  it.runIf(process.env['CI'] && !CAN_HOLD)('SKIPPED outside of CI: needs Linux and the right to mount', () => {
    expect(CAN_HOLD).toBe(true);
  });

  it.runIf(CAN_HOLD)('is not complete before the files are removed', async () => {
    const { folder, open } = migratedDataFolder();
    const store = await open();
    await store.takeFolder();
    await change(store.userSets, { kind: 'common_suppression' }, 'replace', ['person-4711', 'zoe']);
    const [file] = readdirSync(join(folder, 'seeds'));
    const path = join(folder, 'seeds', file!);
    await store.requestErasure(['person-4711']);
    expect(holdFile(path)).toBe(true);
    try {
      await expect(store.eraseUsers(['person-4711'])).rejects.toMatchObject({ code: 'storage_failed' });
      expect(await store.requestedErasures(9)).toEqual(['person-4711']);
      expect(filesWith(join(folder, 'seeds'), 'person-4711')).toEqual([file]);
    } finally {
      releaseFile(path);
    }
    await store.eraseUsers(await store.requestedErasures(9));
    expect(await store.requestedErasures(9)).toEqual([]);
    expect(filesWith(folder, 'person-4711')).toEqual([]);
  });

  it.runIf(CAN_HOLD)('removes the files of replaced sets whose removal failed earlier', async () => {
    const { folder, open } = migratedDataFolder();
    const store = await open();
    await store.takeFolder();
    const replace = (userIds: string[]) => change(store.userSets, { kind: 'common_suppression' }, 'replace', userIds);
    await replace(['person-4711', 'zoe']);
    const [file] = readdirSync(join(folder, 'seeds'));
    const path = join(folder, 'seeds', file!);
    expect(holdFile(path)).toBe(true);
    try {
      await replace(['zoe']);
    } finally {
      releaseFile(path);
    }
    expect(filesWith(folder, 'person-4711')).toContain(file);
    expect(await store.eraseUsers(['person-4711'])).toMatchObject({ sets: 0 });
    expect(filesWith(folder, 'person-4711')).toEqual([]);
  });
});
