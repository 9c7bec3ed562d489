/** What the routes of webhooks add to the rules of `domain/webhooks.ts`. */
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../domain/contract/inputs.ts';
import { type Fixture, importUsers, openFixture } from '../fixture.ts';

const ALL = [
  'campaign.ready',
  'campaign.failed',
  'campaign.too_small',
  'campaign.refreshed',
  'campaign.resized',
  'campaign.activated',
  'campaign.deleted',
  'suppression.expired',
];
const URL_OF = 'https://example.com/hook?token=hunter2';

const clock = manualClock();
const fixture = await openFixture(
  await importUsers(),
  {},
  {
    clock,
    // nothing leaves this machine
    resolve: (_host, _options, done) => done(Object.assign(new Error('no network'), { code: 'ENOTFOUND' }), []),
  },
);
const create = async (body: object = { url: URL_OF }) => (await fixture.call('POST', '/v1/webhooks', body)).json;
const codeOf = async (...call: Parameters<Fixture['call']>) => {
  const { status, json } = await fixture.call(...call);
  return [status, json?.code];
};

describe('webhooks', () => {
  it('are created for all events, with a secret that is shown', async () => {
    const answer = await fixture.call('POST', '/v1/webhooks', { url: URL_OF });
    expect(answer.status).toBe(201);
    expect(answer.headers).toHaveProperty('location', `/v1/webhooks/${answer.json.id}`);
    expect(answer.json).toEqual({
      id: expect.any(String),
      url: URL_OF,
      events: ALL,
      description: '',
      enabled: true,
      disabled_reason: null,
      created_at: '2023-11-14T22:13:20.000Z',
      updated_at: '2023-11-14T22:13:20.000Z',
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
  });

  it('take events and a description, and never show the secret again', async () => {
    const { secret, ...shown } = await create({ url: URL_OF, events: ['campaign.failed'], description: 'on call' });
    expect(shown).toMatchObject({ events: ['campaign.failed'], description: 'on call' });
    const got = await fixture.call('GET', `/v1/webhooks/${shown.id}`);
    expect(got.json).toEqual(shown);
    const list = await fixture.call('GET', '/v1/webhooks');
    const changed = await fixture.call('PATCH', `/v1/webhooks/${shown.id}`, { description: 'x' });
    for (const text of [got.text, list.text, changed.text, fixture.log()]) expect(text).not.toContain(secret);
    expect((await create()).secret).not.toBe(secret);
  });

  it('refuse an event twice', async () => {
    const body = { url: URL_OF, events: ['campaign.ready', 'campaign.ready'] };
    const { status, json } = await fixture.call('POST', '/v1/webhooks', body);
    expect([status, json.errors[0].pointer]).toEqual([400, '/events/1']);
  });

  it('refuse a URL to which nothing may be sent, and so does PATCH', async () => {
    const url = 'http://example.com/';
    const answer = await fixture.call('POST', '/v1/webhooks', { url });
    expect([answer.status, answer.json.code]).toEqual([400, 'webhook_url_refused']);
    const { id } = await create();
    expect(await codeOf('PATCH', `/v1/webhooks/${id}`, { url })).toEqual([400, 'webhook_url_refused']);
    expect((await fixture.call('GET', `/v1/webhooks/${id}`)).json.url).toBe(URL_OF);
  });

  it('have no delivery of another one', async () => {
    const [one, two] = [await create(), await create()];
    const { json: delivery } = await fixture.call('POST', `/v1/webhooks/${one.id}/ping`);
    const path = (id: string) => `/v1/webhooks/${id}/deliveries/${delivery.id}/replay`;
    expect(await codeOf('POST', path(two.id))).toEqual([404, 'delivery_not_found']);
    expect((await fixture.call('POST', path(one.id))).status).toBe(202);
  });

  it('are changed by what PATCH names, and in nothing else', async () => {
    const { secret: _, ...before } = await create();
    clock.pass(1000);
    const answer = await fixture.call('PATCH', `/v1/webhooks/${before.id}`, {
      events: ['campaign.ready'],
      enabled: false,
    });
    const expected = { ...before, events: ['campaign.ready'], enabled: false, updated_at: '2023-11-14T22:13:21.000Z' };
    expect([answer.status, answer.json]).toEqual([200, expected]);
    const again = await fixture.call('PATCH', `/v1/webhooks/${before.id}`, {
      url: 'https://b.example/',
      enabled: true,
    });
    expect(again.json).toEqual({ ...expected, url: 'https://b.example/', enabled: true });
  });
});
