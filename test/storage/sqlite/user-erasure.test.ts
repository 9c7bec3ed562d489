/** Nothing is left of an erased user in the files of a data folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';
import { newCampaign } from '../../domain/contract/inputs.ts';
import { change } from '../../domain/contract/user-sets.ts';
import { migratedDataFolder } from './data-folder.ts';

const filesWith = (folder: string, id: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(id))
    .map(({ name }) => name);

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

  it('looks up a user in the feedback of each campaign, without scanning all feedback', async () => {
    const { folder, open } = migratedDataFolder();
    await open();
    const database = connect(join(folder, 'metaheac.db'));
    const plan = database
      .prepare(
        `EXPLAIN QUERY PLAN DELETE FROM feedback WHERE (campaign, user_id) IN (
           SELECT c.number, ids.value FROM campaigns c, json_each('["a"]') ids)`,
      )
      .all() as { detail: string }[];
    expect(plan.map(({ detail }) => detail).join('\n')).toContain('SEARCH feedback USING PRIMARY KEY');
    database.close();
  });
});
