/**
 * Buyers' agents: what happens to audiences and signals, not only the form of the answers. The population has 300
 * people, all with an email address and 40 with a phone number, so that a member matches only if a person has the hash.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { importUsers, openFixture, USER_IDS } from '../fixture.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const mailOf = (userId: string) => `${userId}@example.com`;
const people = USER_IDS.filter((userId) => /^person-\d+$/.test(userId));
const phoneOf = (i: number) => `+1206${1_000_000 + i}`;
const identifiers = people.flatMap((userId, i) => [
  `${userId},email,adcp,${mailOf(userId)}`,
  ...(i < 40 ? [`${userId},phone,adcp,${phoneOf(i)}`] : []),
]);
const server = await openFixture(await importUsers(USER_IDS, identifiers), {
  signalPrices: [
    { id: 'basic', cpm: 1, currency: 'EUR' },
    { id: 'premium', cpm: 9, currency: 'EUR' },
  ],
});

let calls = 0;
async function use(name: string, args: object) {
  const params = { name, arguments: args };
  const { json } = await server.call('POST', '/mcp', { jsonrpc: '2.0', id: ++calls, method: 'tools/call', params });
  return { ...json.result.structuredContent, isError: json.result.isError === true };
}
const keyed = () => ({ idempotency_key: `key-of-this-test-${++calls}` });
const members = (from: number, to: number) =>
  people.slice(from, to).map((userId) => ({ external_id: `crm-${userId}`, hashed_email: sha256(mailOf(userId)) }));
const account = { brand: { domain: 'novamotors.example' }, operator: 'agency.example' };
const sync = async (audiences: readonly object[], rest = {}) =>
  use('sync_audiences', { account, ...keyed(), audiences, ...rest });
const list = async () => (await use('sync_audiences', { account, ...keyed() })).audiences;

async function activate(id: string, rest = {}) {
  const request = { account, ...keyed(), signal_agent_segment_id: id, ...rest };
  const answer = use('activate_signal', { destinations: [{ type: 'platform', platform: 'dsp' }], ...request });
  for (let done = false; !done; ) {
    await Promise.race([answer.then(() => (done = true)), server.finishNext().catch(() => {})]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return answer;
}

describe('sync_audiences', () => {
  it('matches members by any identifier, once each, and says how many by type', async () => {
    const phones = people.slice(0, 20).map((userId, i) => ({
      ...{ external_id: userId, hashed_phone: sha256(phoneOf(i)), hashed_email: sha256('unknown@example.com') },
    }));
    const { audiences } = await sync([{ audience_id: 'both', add: [...phones, ...members(20, 50)] }]);
    expect(audiences).toEqual([
      expect.objectContaining({
        ...{ audience_id: 'both', action: 'created', status: 'ready', uploaded_count: 50, total_uploaded_count: 50 },
        ...{ matched_count: 50, effective_match_rate: 1 },
        match_breakdown: expect.arrayContaining([
          { id_type: 'hashed_email', submitted: 30, matched: 30, match_rate: 1 },
          { id_type: 'hashed_phone', submitted: 20, matched: 20, match_rate: 1 },
        ]),
      }),
    ]);
  });

  it('is too small, never ready, below the minimum, and ready once more members match', async () => {
    const nobody = Array.from({ length: 30 }, (_, i) => ({
      external_id: `n${i}`,
      hashed_email: sha256(`nobody-${i}`),
    }));
    const [first] = (await sync([{ audience_id: 'grows', add: [...nobody, ...members(0, 9)] }])).audiences;
    expect(first).toMatchObject({ status: 'too_small', matched_count: 9, total_uploaded_count: 39, minimum_size: 10 });
    const [more] = (await sync([{ audience_id: 'grows', add: members(9, 12) }])).audiences;
    expect(more).toMatchObject({ action: 'updated', status: 'ready', uploaded_count: 3, matched_count: 12 });
    const [less] = (await sync([{ audience_id: 'grows', add: members(20, 22), remove: members(0, 22) }])).audiences;
    expect(less).toMatchObject({ status: 'too_small', matched_count: 0, total_uploaded_count: 30 });
  });

  it('deletes what is asked for, and with delete_missing what is not named; accounts are apart', async () => {
    const other = { brand: { domain: 'other.example' }, operator: 'agency.example' };
    await sync([{ audience_id: 'theirs', add: members(0, 12) }], { account: other });
    await sync([
      { audience_id: 'a', add: members(0, 12) },
      { audience_id: 'b', add: members(0, 12) },
    ]);
    const { audiences } = await sync([
      { audience_id: 'a', delete: true },
      { audience_id: 'never', delete: true },
    ]);
    expect(audiences).toEqual([
      expect.objectContaining({ audience_id: 'a', action: 'deleted' }),
      { audience_id: 'never', action: 'failed', errors: [expect.objectContaining({ code: 'REFERENCE_NOT_FOUND' })] },
    ]);
    await sync([{ audience_id: 'c', add: members(0, 12) }], { delete_missing: true });
    expect((await list()).map(({ audience_id }: { audience_id: string }) => audience_id)).toEqual(['c']);
    const theirs = await use('sync_audiences', { account: other, ...keyed() });
    expect(theirs.audiences).toHaveLength(1);
  });

  it('repeats its answer for a repeated key, and refuses another request with the key', async () => {
    const request = { account, ...keyed(), audiences: [{ audience_id: 'once', add: members(0, 12) }] };
    const first = await use('sync_audiences', request);
    const repeated = { ...request, context: { attempt: 2 } };
    expect(await use('sync_audiences', repeated)).toEqual({ ...first, context: { attempt: 2 }, replayed: true });
    expect(first.replayed).toBeUndefined();
    const { isError, adcp_error: error } = await use('sync_audiences', {
      ...request,
      audiences: [{ audience_id: 'x' }],
    });
    expect([isError, error.code, error.recovery]).toEqual([true, 'IDEMPOTENCY_CONFLICT', 'correctable']);
  });

  it.each([
    [{ audiences: [{ audience_id: 'x', add: [{ external_id: 'a' }] }] }, 'VALIDATION_ERROR'],
    [
      { audiences: [{ audience_id: 'x', add: [{ external_id: 'a', hashed_email: 'me@example.com' }] }] },
      'VALIDATION_ERROR',
    ],
    [{ delete_missing: true }, 'INVALID_REQUEST'],
    [{ idempotency_key: undefined }, 'VALIDATION_ERROR'],
  ])('refuses %j with %s', async (request, code) => {
    const {
      isError,
      adcp_error: error,
      context,
    } = await use('sync_audiences', { ...keyed(), ...request, context: { a: 1 } });
    expect([isError, error.code, context]).toEqual([true, code, { a: 1 }]);
    expect(server.log()).not.toContain('me@example.com');
  });
});

describe('each tool', () => {
  it.each([
    ...['get_adcp_capabilities', 'list_accounts', 'sync_audiences', 'get_signals', 'activate_signal'].map(
      (name) => [name, { adcp_major_version: 2 }, 'VERSION_UNSUPPORTED', 'adcp_major_version'] as const,
    ),
    ['sync_audiences', { audiences: [] }, 'VALIDATION_ERROR', 'audiences'],
    ['get_signals', { signal_ids: 'all' }, 'VALIDATION_ERROR', 'signal_ids'],
    ['activate_signal', { destinations: [{ type: 'tv' }] }, 'VALIDATION_ERROR', 'destinations'],
  ] as const)('%s refuses %j as a failed task, with %s', async (name, args, code, field) => {
    const answer = await use(name, { ...keyed(), signal_agent_segment_id: 'any', ...args, context: { a: 1 } });
    const error = expect.objectContaining({ code, recovery: 'correctable', field: expect.stringContaining(field) });
    expect(answer).toEqual({
      ...{ status: 'failed', isError: true, adcp_error: error, errors: [error], context: { a: 1 } },
    });
  });
});

describe('signals', () => {
  it('are the look-alikes of ready audiences and of feature values, none of them sensitive', async () => {
    await sync(
      [
        { audience_id: 'Buyers of shoes', name: 'Shoe buyers', audience_type: 'lookalike_seed', add: members(0, 30) },
        { audience_id: 'small', add: members(0, 5) },
        { audience_id: 'never-them', audience_type: 'suppression', add: members(0, 30) },
      ],
      { delete_missing: true },
    );
    const { signals } = await use('get_signals', { account, signal_spec: 'shoe buyers' });
    expect(signals[0].name).toBe('Like Shoe buyers');
    expect(signals[0].signal_id.id).toMatch(/^[a-zA-Z0-9_-]+$/);
    expect(signals.filter(({ signal_type: type }: { signal_type: string }) => type === 'custom')).toHaveLength(1);
    const owned = signals.filter(({ signal_type: type }: { signal_type: string }) => type === 'owned');
    expect(owned).toHaveLength(7);
    expect(JSON.stringify(owned)).not.toContain('gender');
    const cheap = await use('get_signals', { account, signal_spec: 'x', filters: { max_cpm: 5 } });
    expect(cheap.signals[0].pricing_options).toEqual([
      { pricing_option_id: 'basic', model: 'cpm', cpm: 1, currency: 'EUR' },
    ]);
    expect((await use('get_signals', { account, signal_spec: 'x', filters: { max_cpm: 0.5 } })).signals).toEqual([]);
    const page = await use('get_signals', { account, signal_spec: 'x', pagination: { max_results: 5 } });
    const rest = await use('get_signals', {
      account,
      signal_spec: 'x',
      pagination: { cursor: page.pagination.cursor },
    });
    expect([page.signals.length, rest.signals.length]).toEqual([5, 3]);
  });

  it('activate to an audience without its suppressed members, with a prediction and a receipt', async () => {
    await sync(
      [
        { audience_id: 'seeds', audience_type: 'lookalike_seed', add: members(0, 30) },
        { audience_id: 'customers', audience_type: 'suppression', add: members(30, 60) },
      ],
      { delete_missing: true },
    );
    const answer = await activate('seeds', { pricing_option_id: 'basic', audience_expansion: true });
    const [deployment] = answer.deployments;
    expect(deployment).toMatchObject({ type: 'platform', platform: 'dsp', is_live: true });
    const { segment_id: id } = deployment.activation_key;
    expect(answer.ext.metaheac).toMatchObject({
      campaign_id: id,
      audience_version: 1,
      receipt: { format: 'metaheac-receipt/1' },
    });
    const { json: suppressed } = await server.call('GET', `/v1/campaigns/${id}/suppression`);
    expect(suppressed).toMatchObject({ users: 30, known: 30 });
    const { signals } = await use('get_signals', { account, signal_ids: [{ source: 'agent', id: 'seeds' }] });
    expect(signals[0].deployments).toEqual([deployment]);
    const again = await activate('seeds', { destinations: [{ type: 'agent', agent_url: 'https://seller.example' }] });
    expect(again.ext.metaheac.audience_version).toBe(1);
    expect(again.deployments[0].activation_key).toEqual({ type: 'key_value', key: 'metaheac', value: id });
    await sync([{ audience_id: 'customers', delete: true }]);
    expect((await activate('seeds')).ext.metaheac.audience_version).toBe(2);
    expect((await server.call('GET', `/v1/campaigns/${id}/suppression`)).json.users).toBe(0);
    const gone = await use('activate_signal', {
      ...{ account, ...keyed(), action: 'deactivate', signal_agent_segment_id: 'seeds' },
      destinations: [{ type: 'platform', platform: 'dsp' }],
    });
    expect(gone.deployments).toEqual([{ type: 'platform', platform: 'dsp', is_live: false }]);
    const after = await use('get_signals', { account, signal_ids: [{ source: 'agent', id: 'seeds' }] });
    expect(after.signals[0].deployments.map(({ type }: { type: string }) => type)).toEqual(['agent']);
  });

  it('refuse what does not exist, is not offered or is too small', async () => {
    await sync([
      { audience_id: 'tiny', add: members(0, 5) },
      { audience_id: 'no-customers', audience_type: 'suppression', add: members(0, 20) },
    ]);
    for (const [args, code] of [
      [{ signal_agent_segment_id: 'no-such-signal' }, 'SIGNAL_NOT_FOUND'],
      [{ signal_agent_segment_id: 'no-customers' }, 'SIGNAL_NOT_FOUND'],
      [{ signal_agent_segment_id: 'tiny' }, 'AUDIENCE_TOO_SMALL'],
      [{ signal_agent_segment_id: 'seeds', pricing_option_id: 'none' }, 'INVALID_REQUEST'],
      [{ signal_agent_segment_id: 'seeds', modeling: { method: 'rules' } }, 'UNSUPPORTED_FEATURE'],
      [{ signal_agent_segment_id: 'seeds', audience_expansion: false }, 'UNSUPPORTED_FEATURE'],
    ] as const) {
      const destinations = [{ type: 'agent', agent_url: 'https://seller.example' }];
      const { isError, adcp_error: error } = await use('activate_signal', {
        account,
        ...keyed(),
        destinations,
        ...args,
      });
      expect([isError, error.code], JSON.stringify(args)).toEqual([true, code]);
    }
  });
});
