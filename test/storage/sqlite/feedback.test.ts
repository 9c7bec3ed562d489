/**
 * Feedback: which events count, the sets that expansions get, and concurrent uploads, expansions, deletions and kills.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeedbackEvent } from '../../../src/domain/feedback.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { writeUserSet } from '../../../src/storage/files/writer.ts';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { IDS_IN_UTF8_ORDER } from '../../fixture/odd-ids.ts';
import { size } from '../../fixture/size.ts';
import { migratedDataFolder } from './data-folder.ts';

const events = (count: number, event: FeedbackEvent['event'] = 'click', prefix = 'user'): FeedbackEvent[] =>
  Array.from({ length: count }, (_, i) => ({ userId: `${prefix} ${(i * 7919) % count}`, event, happenedAt: 1 }));

async function open() {
  const data = migratedDataFolder();
  const store = await data.open();
  const { id } = await store.create(newCampaign(), everyoneIsKnown);
  const files = () => readdirSync(join(data.folder, 'seeds'));
  return { ...data, store, id, files };
}

async function setsOf(store: CampaignStore) {
  const { sets } = (await store.claim('1:a'))!;
  const usersOf = async (sha256: string | null) =>
    sha256 === null ? null : [...(await store.setBlocks(sha256))].flat();
  return { positives: await usersOf(sets.positives), dismissed: await usersOf(sets.dismissed), sets };
}

describe('CampaignStore.addFeedback', () => {
  it('counts users by their last event, for any order of events', async () => {
    const event = fc.record({
      userId: fc.constantFrom('ann', 'bob', 'cid', '😀'),
      event: fc.constantFrom('conversion' as const, 'click' as const, 'dismissal' as const),
      happenedAt: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(event, { maxLength: 9 }), { minLength: 1, maxLength: 4 }), async (uploads) => {
        const { store, id } = await open();
        const last = new Map<string, FeedbackEvent>();
        for (const upload of uploads) {
          let taken = 0;
          for (const each of upload) {
            if (each.happenedAt < (last.get(each.userId)?.happenedAt ?? 0)) continue;
            last.set(each.userId, each);
            taken += 1;
          }
          const users = { conversion: 0, click: 0, dismissal: 0 };
          for (const { event } of last.values()) users[event] += 1;
          const outdated = upload.length - taken;
          expect(await store.addFeedback(id, upload)).toEqual({ received: upload.length, taken, outdated, users });
          expect(await store.feedbackOf(id)).toEqual(users);
        }
      }),
      { numRuns: size(10, 25) },
    );
  });

  it('accepts events that are sent again, which change nothing', async () => {
    const { store, id } = await open();
    const users = { conversion: 0, click: 900, dismissal: 0 };
    for (let i = 0; i < 2; i++)
      expect(await store.addFeedback(id, events(900))).toEqual({ received: 900, taken: 900, outdated: 0, users });
  });

  it('ends with campaign_not_found if the campaign is deleted meanwhile, and leaves nothing', async () => {
    const { store, id, folder } = await open();
    const adding = store.addFeedback(id, events(5_000));
    await new Promise((resolve) => setImmediate(resolve));
    expect(rowsIn(folder)).toBeGreaterThan(0);
    const deletion = store.delete(id);
    await expect(adding).rejects.toMatchObject({ code: 'campaign_not_found' });
    expect(await deletion).toBeNull();
    expect(rowsIn(folder)).toBe(0);
  });

  it('is interrupted when the store is closed', async () => {
    const { store, id } = await open();
    const adding = store.addFeedback(id, events(5_000));
    const waiting = store.addFeedback(id, events(1));
    await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    for (const each of [adding, waiting]) await expect(each).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('refuses the 33rd task that runs or waits', async () => {
    const { store, id } = await open();
    const all = await Promise.allSettled(Array.from({ length: 33 }, () => store.addFeedback(id, events(1))));
    expect(all.map(({ status }) => status)).toEqual([...Array(32).fill('fulfilled'), 'rejected']);
    expect(all[32]).toMatchObject({ reason: { code: 'unavailable' } });
  });
});

describe('CampaignStore.expand with feedback', () => {
  it('returns the same sets as a plain sort of the users, byte for byte', async () => {
    const { store, id } = await open();
    const clicks = [
      ...events(20_000),
      ...IDS_IN_UTF8_ORDER.map((userId) => ({ userId, event: 'click' as const, happenedAt: 1 })),
    ];
    const dismissals = events(5_000, 'dismissal', 'other');
    await store.addFeedback(id, [...clicks, ...dismissals]);
    const { feedback } = await store.expand(id);
    expect(feedback).toEqual({ positives: 20_007, dismissed: 5_000 });
    const { sets } = await setsOf(store);
    const expected = [clicks, dismissals].map((each) => {
      const set = writeUserSet(
        new FileBlobs(temporaryFolder()),
        each.map(({ userId }) => userId),
      );
      return set.sha256;
    });
    expect([sets.positives, sets.dismissed]).toEqual(expected);
  });

  it('includes all of a running upload, and nothing of a later one', async () => {
    const { store, id, files } = await open();
    await store.addFeedback(id, events(10, 'dismissal', 'before'));
    const at = [
      store.addFeedback(id, events(3_000)),
      store.expand(id),
      store.addFeedback(id, events(2, 'click', 'late')),
    ];
    await Promise.all(at);
    const { positives, dismissed } = await setsOf(store);
    expect([positives!.length, dismissed!.length]).toEqual([3_000, 10]);
    expect(files().filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('creates expansions in the order in which they are requested', async () => {
    const { store, id } = await open();
    await store.addFeedback(id, events(3_000));
    const first = store.expand(id);
    const second = store.expand(id);
    const [{ id: superseded }, { id: latest }] = [await first, await second];
    expect([(await store.expansion(id, superseded)).state, (await store.get(id)).expansionId]).toEqual([
      'superseded',
      latest,
    ]);
  });

  it('leaves no file if the campaign is deleted meanwhile', async () => {
    const { store, id, files } = await open();
    await store.addFeedback(id, events(3_000));
    const expanding = store.expand(id);
    await new Promise((resolve) => setImmediate(resolve));
    await store.delete(id);
    await expect(expanding).rejects.toMatchObject({ code: 'campaign_not_found' });
    expect(files()).toEqual([]);
  });

  it('is not created by the refresh policy if a call created one meanwhile', async () => {
    const data = migratedDataFolder();
    const store = await data.open();
    const refresh = { everyMs: 60_000, onNewPopulation: false, onChange: false };
    const { id, expansionId } = await store.create(newCampaign({ refresh }), everyoneIsKnown);
    await store.cancel(id, expansionId!);
    await store.addFeedback(id, events(3_000));
    data.clock.pass(60_000);
    const called = store.expand(id);
    expect(await store.expandDue('p')).toBe(0);
    expect(await store.get(id)).toMatchObject({ expansionId: (await called).id, state: 'queued' });
  });
});

describe('feedback after kill -9', () => {
  it('has everything that was acknowledged, with correct counts', async () => {
    const { store, id, folder } = await open();
    const uploads = await acknowledgedBeforeKill(folder, id, 5);
    expect(uploads).toBeGreaterThanOrEqual(5);
    const { click, dismissal } = await store.feedbackOf(id);
    expect([click >= 400 * uploads, dismissal >= 200 * uploads]).toEqual([true, true]);
    expect(rowsIn(folder)).toBe(click + dismissal);
    const { feedback } = await store.expand(id);
    expect(feedback).toEqual({ positives: click, dismissed: dismissal });
  });
});

function rowsIn(folder: string): number {
  const database = openDatabase(join(folder, 'metaheac.db'));
  try {
    return database.prepare('SELECT count(*) FROM feedback').pluck().get() as number;
  } finally {
    database.close();
  }
}

/** The number of acknowledged uploads that the child printed before it was killed during another. */
function acknowledgedBeforeKill(folder: string, id: string, least: number): Promise<number> {
  const module = fileURLToPath(new URL('./children/feedback-loop.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [module, folder, id], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data;
      if (output.split('\n').length > least) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself: ${output}`));
      else resolve(output.split('\n').length - 1);
    });
  });
}
