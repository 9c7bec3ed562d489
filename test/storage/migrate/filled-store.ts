/** A store with something in every table, made through the ports. */
import { createHash } from 'node:crypto';
import { writeRanking } from '../../../src/audience/write-ranking.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { CAMPAIGN_EVENTS } from '../../../src/domain/webhook-types.ts';
import { expand, type ManualClock, newCampaign } from '../../domain/contract/inputs.ts';
import { change } from '../../domain/contract/user-sets.ts';

const ENGINE = '1:engine';
const COMMON: SetOwner = { kind: 'common_suppression' };
const FAILED = { state: 'pending' as const, status: 500, error: null, durationMs: 1.5, isGone: false };
const isKnown = (id: string) => !id.startsWith('unknown');
/** Texts that the dialects store in different ways. */
export const ODD = 'odd \0 \uFFFF \uFFFF0 \u{1F600} \\u0000 "end"';

/** Fills an empty store. Returns the ids of campaigns by what became of them. */
export async function fill(store: CampaignStore, clock: ManualClock): Promise<Record<string, string>> {
  const { webhook } = await store.webhooks.create(
    { url: 'https://example.com/', events: CAMPAIGN_EVENTS, description: ODD },
    10,
    clock.now(),
  );
  await store.webhooks.rotate(webhook.id, 60_000, clock.now());
  const made: Record<string, string> = {};
  const create = async (name: string, changes: Parameters<typeof newCampaign>[0] = {}) => {
    clock.pass(1_000);
    made[name] = (await store.create(newCampaign({ name, ...changes }), isKnown)).id;
    return made[name];
  };
  await addAudiences(store, await create('ready', { name: ODD, labels: { team: ODD }, externalId: 'ours' }));
  await create('small', { seeds: ['ann'] });
  await create('failed');
  await store.end((await store.claim(ENGINE))!, 'failed', { code: 'x', message: ODD });
  const cancelled = await create('cancelled');
  const { items } = await store.expansionsOf(cancelled, { limit: 1 });
  await store.cancel(cancelled, items[0]!.id);
  await create('scoring');
  const job = (await store.claim(ENGINE))!;
  await store.pin(job, { modelVersion: 'm', populationVersion: 'p' });
  await store.advance(job, { state: 'adapting', progress: 0.25 });
  await store.advance(job, { state: 'scoring', progress: 1 / 3 });
  const answered = { key: 'k', requestSha256: 'r', answer: (value: object) => JSON.stringify(value) };
  const seeds = ['zoe', 'dan', 'unknown-\0', `unknown-\uFFFF`, 'unknown-\uD800'];
  made['queued'] = (await store.create(newCampaign({ seeds }), isKnown, answered)).id;
  const gone = await create('gone');
  await store.delete(gone);
  delete made['gone'];
  await addTheRest(store, clock, made['ready']!);
  return made;
}

/** A campaign with two audience versions and a third, of which the first is active, and feedback. */
async function addAudiences(store: CampaignStore, id: string): Promise<void> {
  for (const round of [1, 2]) {
    if (round === 2) await store.expand(id);
    const job = (await store.claim(ENGINE))!;
    const { items } = await store.expansionsOf(id, { limit: 1 });
    const folder = `audiences/${id}/${items[0]!.id}`;
    const scores = Float32Array.from({ length: 100 }, (_, user) => (user < 3 ? Number.NaN : (user * round) % 101));
    await writeRanking(store.blobs, folder, scores);
    await expand(store, job, { folder });
  }
  await store.update(id, { audience: { size: 5 } });
  await store.activate(id, 1);
  await store.addFeedback(id, [
    { userId: 'bob', event: 'conversion', happenedAt: 1 },
    { userId: ODD, event: 'click', happenedAt: 2 },
    { userId: 'eve', event: 'dismissal', happenedAt: 3 },
  ]);
  await store.addConversions(id, [{ userId: ODD, happenedAt: 4, value: 1.5 }]);
  await change(store.userSets, { kind: 'suppression', campaignId: id }, 'replace', ['bob', ODD], {
    expiries: new Map([[ODD, 1]]),
  });
}

async function addTheRest(store: CampaignStore, clock: ManualClock, id: string): Promise<void> {
  await change(store.userSets, COMMON, 'replace', ['tom', 'uwe']);
  const key = { name: ODD, scope: 'read' as const, labels: { team: 'a' }, expiresAt: null };
  await store.receipts.key();
  await store.apiKeys.create(key, 10);
  await store.apiKeys.revoke((await store.apiKeys.create({ ...key, name: 'revoked' }, 10)).apiKey.id);
  await store.apiKeys.create({ ...key, name: 'expired', expiresAt: clock.now() + 1 }, 10);
  clock.pass(1_000);
  await store.apiKeys.recordExpired(clock.now());
  for (const action of ['getCampaign', 'listCampaigns']) {
    const whose = { actor: 'mh_1', address: null, resource: 'campaign', resourceId: id, status: 200, requestId: ODD };
    await store.audit.record({ action: { ...whose, action }, isRecorded: false });
  }
  await store.eraseUsers(['nobody']);
  await store.requestErasure(['tom', ODD]);
  const [due] = await store.outbox.due(clock.now(), 1);
  await store.outbox.record(due!, { ...FAILED, nextAttemptAt: clock.now() + 60_000 }, clock.now());
}

/** The sha256 of the files of a folder of blobs, by name. */
export async function sumsOf({ blobs }: Pick<CampaignStore, 'blobs'>, folder: string): Promise<Record<string, string>> {
  const names = (await blobs.list(folder)).sort();
  const entries = names.map(async (name) => {
    const bytes = await blobs.read(folder, name);
    return [name, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
