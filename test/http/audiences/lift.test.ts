/** Conversions of treated and held-out users, and the lift that is computed from them. */
import { describe, expect, it } from 'vitest';
import { compareArms } from '../../../src/domain/lift.ts';
import { importUsers, OK_BODY, openFixture, USER_IDS } from '../fixture.ts';

const population = await importUsers();
const fixture = await openFixture(population);
const { json: made } = await fixture.call('POST', '/v1/campaigns', {
  ...OK_BODY,
  audience: { size: 200 },
  holdout_percent: 40,
});
await fixture.finishNext();
const path = `/v1/campaigns/${made.id}`;
const treated: string[] = (await fixture.call('GET', `${path}/audience`)).json.items.map(
  ({ user_id: id }: { user_id: string }) => id,
);
/** The audience has the best 200 of 280 candidates, and scores fall with the user number. */
const candidates = USER_IDS.filter((id) => !OK_BODY.seeds.includes(id));
const heldOut = candidates.slice(0, 200).filter((id) => !treated.includes(id));
const now = Date.now();
const at = (ms: number) => new Date(now + ms).toISOString();
const send = (conversions: readonly object[]) => fixture.call('POST', `${path}/conversions`, { conversions });
const liftOf = async (query = '') => (await fixture.call('GET', `${path}/lift${query}`)).json;

describe('GET /v1/campaigns/{id}/lift', () => {
  it('compares the users of both arms by their conversions in the window', async () => {
    const conversions = [
      ...treated.slice(0, 30).map((user_id) => ({ user_id, time: at(1_000), value: 2 })),
      ...heldOut.slice(0, 10).map((user_id) => ({ user_id, time: at(1_000), value: 1 })),
      { user_id: treated[0], time: at(2_000), value: 3 },
      // before the window, not in the audience, a seed, unknown
      { user_id: heldOut[20], time: at(-3_600_000) },
      { user_id: candidates[250], time: at(1_000) },
      { user_id: OK_BODY.seeds[0], time: at(1_000) },
      { user_id: 'nobody', time: at(1_000) },
    ];
    const sent = await send(conversions);
    expect([sent.status, sent.json]).toEqual([200, { received: 45, recorded: 45 }]);
    expect((await send(conversions)).json).toEqual({ received: 45, recorded: 0 });
    const arms = {
      treated: { users: treated.length, converted: 30, conversions: 31, value: 63 },
      held_out: { users: heldOut.length, converted: 10, conversions: 10, value: 10 },
    };
    const lift = await liftOf(`?to=${at(10_000)}`);
    expect(lift).toMatchObject({
      audience_version: 1,
      holdout_percent: 40,
      basis: 'by assignment, not exposure',
      arms,
    });
    const expected = compareArms(
      { ...arms.treated, squaredValue: 29 * 4 + 25 },
      { ...arms.held_out, squaredValue: 10 },
      40,
    );
    const { alwaysValid, ...absolute } = expected.value.absolute;
    expect(lift.value.absolute).toEqual({ ...absolute, always_valid: alwaysValid });
    expect(lift.conversion.incremental.estimate).toBe(expected.conversion.incremental.estimate);
    expect([lift.sample_ratio_p, lift.warnings]).toEqual([expected.sampleRatioP, []]);
    const { curve } = (await fixture.call('GET', `${path}/quality`)).json;
    expect(lift.predicted_lift).toEqual(curve.at(-1).lift);
    expect((await liftOf(`?from=${at(1_500)}&to=${at(10_000)}`)).arms.treated.converted).toBe(1);
    // the conversions teach nothing
    expect((await fixture.call('GET', `${path}/feedback`)).json.users.conversion).toBe(0);
  });

  it('is of the version that is asked for, and of none that holds out nobody', async () => {
    await fixture.call('PATCH', path, { holdout_percent: 0 });
    expect(await liftOf()).toMatchObject({ status: 409, code: 'no_holdout' });
    expect(await liftOf(`?version=1&to=${at(10_000)}`)).toMatchObject({
      arms: { treated: { converted: 30 } },
      warnings: [{ code: 'holdout_changed', message: expect.stringContaining('0 %, 40 % of the users') }],
    });
    expect(await liftOf('?version=9')).toMatchObject({ code: 'audience_not_found' });
    expect(await liftOf(`?from=${at(0)}&to=${at(0)}`)).toMatchObject({ code: 'invalid_request' });
  });
});

describe('POST /v1/campaigns/{id}/conversions', () => {
  it('accepts NDJSON', async () => {
    const { json } = await fixture.call('POST', `${path}/conversions`, `{"user_id":"x","time":"${at(0)}"}\n`, {
      'content-type': 'application/x-ndjson',
    });
    expect(json).toEqual({ received: 1, recorded: 1 });
  });

  it.each([
    [{ user_id: 'x' }, '/conversions/0/time'],
    [{ user_id: 'x', time: at(3_600_000) }, '/conversions/0/time'],
    [{ user_id: 'x', time: at(0), value: 1e13 }, '/conversions/0/value'],
    [{ user_id: '', time: at(0) }, '/conversions/0/user_id'],
  ])('refuses %j', async (conversion, pointer) => {
    const { status, json } = await send([conversion]);
    expect([status, json.errors[0].pointer]).toEqual([400, pointer]);
  });
});
