/** Feedback in SQLite: the order of concurrent uploads and expansions, and kills. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FeedbackEvent } from '../../../src/domain/feedback.ts';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { migratedDataFolder } from './data-folder.ts';

const events = (count: number, event: FeedbackEvent['event'] = 'click', prefix = 'user'): FeedbackEvent[] =>
  Array.from({ length: count }, (_, i) => ({ userId: `${prefix} ${(i * 7919) % count}`, event, happenedAt: 1 }));

async function open() {
  const data = migratedDataFolder();
  const store = await data.open();
  const { id } = await store.create(newCampaign(), everyoneIsKnown);
  return { ...data, store, id };
}

describe('CampaignStore.addFeedback', () => {
  it('counts an upload of several transactions once, and enters it once in the audit log', async () => {
    const { store, id } = await open();
    const upload = [...events(2_400), ...events(1_200, 'dismissal')];
    const whose = { actor: 'local', address: null, status: 200, requestId: null };
    const action = { ...whose, action: 'sendFeedback', resource: 'campaign', resourceId: id };
    expect(await store.addFeedback(id, upload, { action, isRecorded: false })).toEqual({
      received: 3_600,
      taken: 3_600,
      outdated: 0,
      users: { conversion: 0, click: 1_200, dismissal: 1_200 },
    });
    expect((await store.audit.list({ limit: 9 })).items).toHaveLength(1);
  });

  it('ends before the store is closed, unless it has not begun', async () => {
    const { store, id } = await open();
    const adding = store.addFeedback(id, events(5_000));
    const waiting = store.addFeedback(id, events(1));
    const refused = expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    expect(await adding).toMatchObject({ taken: 5_000 });
    await refused;
  });
});

describe('CampaignStore.expand with feedback', () => {
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
