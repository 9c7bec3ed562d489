/**
 * Bodies as large as the limit with faults everywhere: each is refused quickly, with as many errors as one problem may
 * have.
 */
import { describe, expect, it } from 'vitest';
import { DEFAULT_SERVER_CONFIG } from '../../../src/http/config.ts';
import { size } from '../../fixture/size.ts';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

// for most, parsing JSON takes 1 s, and 4 on busy cores; zod alone took up to 25 s
const MOST_MS = size(4_000, 10_000);
const MANY = size(110_000, 440_000);
const { bodyLimitBytes, maximumErrorDetails, maximumFilterFeatures, maximumFilterTokens, maximumFeedbackEvents } =
  DEFAULT_SERVER_CONFIG;

const population = await importUsers();
const server = await openFixture(population);
const { json } = await server.call('POST', '/v1/campaigns', OK_BODY);
const path = `/v1/campaigns/${json.id}`;

function record(length: number, make: (i: number) => unknown): object {
  return Object.fromEntries(Array.from({ length }, (_, i) => [`n${i}`, make(i)]));
}

const zeros = (length: number) => new Array<number>(length).fill(0);
const event = { user_id: 'u1', event: 'click' };

describe('a large wrong body', () => {
  it.each<[string, 'campaign' | 'feedback', object, string]>([
    [
      'filters of thousands of features',
      'campaign',
      { filters: record(size(1_200, 3_900), () => zeros(1_000)) },
      '/filters',
    ],
    [
      'filters of wrong tokens',
      'campaign',
      { filters: record(maximumFilterFeatures, () => zeros(maximumFilterTokens)) },
      '/filters/n0/0',
    ],
    [
      'a filter of a million tokens',
      'campaign',
      { filters: { city: zeros(size(1_200_000, 4_000_000)) } },
      '/filters/city',
    ],
    ['labels that are numbers', 'campaign', { labels: record(MANY, (i) => i) }, '/labels'],
    ['features that the model does not have', 'campaign', { features: record(MANY, String) }, '/features'],
    ['unknown fields', 'campaign', record(MANY, (i) => i), '/n0'],
    [
      'events of wrong fields',
      'feedback',
      { events: new Array(maximumFeedbackEvents).fill({ user_id: '', event: 'x', time: 'y', z: 1 }) },
      '/events/0/user_id',
    ],
  ])('of %s is refused at once', async (_, kind, wrong, pointer) => {
    const [url, body] = kind === 'feedback' ? [`${path}/feedback`, wrong] : ['/v1/campaigns', { ...OK_BODY, ...wrong }];
    const text = JSON.stringify(body);
    if (text.length > bodyLimitBytes * 1.5) throw new Error(`the body of this test has ${text.length} bytes`);
    const start = performance.now();
    const { status, json } = await server.call('POST', url, text.slice(0, bodyLimitBytes));
    expect(performance.now() - start).toBeLessThan(MOST_MS);
    expect([status, json.errors[0]?.pointer]).toEqual([400, pointer]);
    expect(json.errors.length).toBeLessThanOrEqual(maximumErrorDetails);
  });

  it('names what is wrong with each event, and the limits of lists', async () => {
    const events = [event, { ...event, user_id: '', time: 'soon' }, { ...event, more: 1 }, 7];
    const { json } = await server.call('POST', `${path}/feedback`, { events });
    expect(json.errors.map((one: { pointer: string }) => one.pointer)).toEqual([
      '/events/1/user_id',
      '/events/1/time',
      '/events/2/more',
      '/events/3',
    ]);
    const none = await server.call('POST', `${path}/feedback`, { events: [] });
    expect(none.json.errors).toMatchObject([{ pointer: '/events', limit: 1 }]);
    const filters = record(maximumFilterFeatures + 1, () => ['a']);
    const many = await server.call('PATCH', path, { filters });
    expect(many.json.errors).toMatchObject([{ pointer: '/filters', limit: maximumFilterFeatures }]);
  });
});
