/** Compares the events of the outbox with the document: one schema for each type of event. */
import { expect, it } from 'vitest';
import { CAMPAIGN_EVENTS, EVENT_TYPES } from '../../../src/domain/webhook-types.ts';
import { EVENTS } from '../../../src/http/webhooks/events.ts';
import { everyoneIsKnown, expand, newCampaign } from '../../domain/contract/inputs.ts';
import { change } from '../../domain/contract/user-sets.ts';
import { openContract } from '../../fixture/api-document.ts';
import { migratedDataFolder } from '../../storage/sqlite/data-folder.ts';

const { document, validator } = await contract();

it('every type of event is as its schema says, in the code and in the document', async () => {
  const bodies = await bodiesOfAll();
  expect([...new Set(bodies.map(({ type }) => type))].sort()).toEqual([...EVENT_TYPES].sort());
  expect(Object.keys(document.webhooks).sort()).toEqual([...EVENT_TYPES].sort());
  for (const { type, body } of bodies) {
    expect(EVENTS[type].schema.parse(body)).toEqual(body);
    const { schema } = document.webhooks[type]!.post.requestBody!.content['application/json']!;
    const isValid = validator(schema);
    expect([type, isValid(body), isValid.errors]).toEqual([type, true, null]);
    // and not of whatever is sent
    expect(isValid({ ...body, more: 1 })).toBe(false);
    expect(isValid({ ...body, data: {} })).toBe(false);
    expect(EVENTS[type].schema.safeParse({ ...body, data: { ...body.data, more: 1 } }).success).toBe(false);
  }
});

it('the example of every type is as its schema says', () => {
  for (const type of EVENT_TYPES) {
    const { schema, component } = EVENTS[type];
    const [example] = document.components.schemas[component]!['examples'] as unknown[];
    expect(schema.parse(example)).toEqual(example);
  }
});

/** One event of each type at least, with and without an external id. */
async function bodiesOfAll() {
  const { clock, open } = migratedDataFolder({ minimumSeeds: 2, maximumAttempts: 1 });
  const store = await open();
  const webhook = { url: 'https://example.com/', events: CAMPAIGN_EVENTS, description: '' };
  const { webhook: created } = await store.webhooks.create(webhook, 10, clock.now());
  await store.create(newCampaign({ seeds: ['ann'] }), everyoneIsKnown);
  const { id } = await store.create(newCampaign({ externalId: 'ours' }), everyoneIsKnown);
  await expand(store, (await store.claim('1:engine'))!);
  await store.expand(id);
  await expand(store, (await store.claim('1:engine'))!);
  await store.expand(id);
  await store.end((await store.claim('1:engine'))!, 'failed', { code: 'x', message: 'y', attempts: 1 });
  await store.update(id, { audience: { size: 5 } });
  await store.activate(id, 1);
  for (const owner of [{ kind: 'common_suppression' }, { kind: 'suppression', campaignId: id }] as const)
    await change(store.userSets, owner, 'replace', ['ann'], { expiries: new Map([['ann', 1]]) });
  await store.userSets.removeExpired(1, { version: 'p', has: everyoneIsKnown });
  await store.delete(id);
  await store.delete((await store.create(newCampaign({ seeds: ['ann'] }), everyoneIsKnown)).id);
  await store.outbox.ping(created.id, clock.now());
  return (await store.outbox.due(clock.now(), 100)).map(({ type, body }) => ({ type, body: JSON.parse(body) }));
}

async function contract() {
  const opened = await openContract();
  return { document: opened.document, validator: opened.validator.bind(opened) };
}
