/** The route of feedback: counts by event, and how many of the responders are in the audience. */
import { describe, expect, it } from 'vitest';
import { importUsers, OK_BODY, openFixture, SEEDS, USER_IDS } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population);

const outcomeOf = async (id: string) => (await fixture.call('GET', `/v1/campaigns/${id}/feedback`)).json;

describe('GET /v1/campaigns/{id}/feedback', () => {
  it('counts users by their last event, and those who responded by whether they are members', async () => {
    const id = await fixture.createReady();
    const { json } = await fixture.call('GET', `/v1/campaigns/${id}/audience`);
    const members: string[] = json.items.map(({ user_id: user }: { user_id: string }) => user);
    const others = USER_IDS.filter((user) => !members.includes(user) && !SEEDS.includes(user));
    const events = [
      ...members.slice(0, 3).map((user_id) => ({ user_id, event: 'conversion' })),
      ...others.slice(0, 2).map((user_id) => ({ user_id, event: 'click' })),
      { user_id: members[5], event: 'dismissal' },
      { user_id: SEEDS[0], event: 'conversion' },
      { user_id: 'nobody', event: 'click' },
    ];
    await fixture.call('POST', `/v1/campaigns/${id}/feedback`, { events });
    expect(await outcomeOf(id)).toEqual({
      users: { conversion: 4, click: 3, dismissal: 1 },
      // a seed and an unknown user are not ranked
      responders: { compared: 7, ranked: 5, members: 3 },
    });
    await fixture.call('PATCH', `/v1/campaigns/${id}`, { audience: { size: 2 } });
    expect((await outcomeOf(id)).responders).toEqual({ compared: 7, ranked: 5, members: 2 });
  });

  it('says how many of those who responded it looked at', async () => {
    const small = await openFixture(population, { maximumBatchMembers: 2 });
    const id = await small.createReady();
    const events = USER_IDS.slice(-5).map((user_id) => ({ user_id, event: 'click' }));
    await small.call('POST', `/v1/campaigns/${id}/feedback`, { events });
    const { users: counted, responders } = (await small.call('GET', `/v1/campaigns/${id}/feedback`)).json;
    expect([counted.click, responders.compared]).toEqual([5, 2]);
  });

  it('counts nobody before there is an audience, and knows no campaign that is not there', async () => {
    const { json } = await fixture.call('POST', '/v1/campaigns', OK_BODY);
    expect(await outcomeOf(json.id)).toEqual({
      users: { conversion: 0, click: 0, dismissal: 0 },
      responders: { compared: 0, ranked: 0, members: 0 },
    });
    expect(await outcomeOf('00000000-0000-4000-8000-000000000000')).toMatchObject({ code: 'campaign_not_found' });
  });
});
