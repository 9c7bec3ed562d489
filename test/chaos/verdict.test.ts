/** The verdict of a chaos run finds what a service lost, made twice or changed. */
import { expect, it } from 'vitest';
import type { Entry } from './client.ts';
import { compareAll } from './comparison.ts';
import { keyOf } from './sighting.ts';
import { checkLedgers, emptyVerdict } from './verdict.ts';
import type { World } from './world.ts';

const ROWS = ['ann', 'bob'].map((user_id, i) => JSON.stringify({ rank: i + 1, user_id, score: 0.5 }));
const campaigns = [{ seeds: ['ann', 'bob'] }] as unknown as World['campaigns'];
const world: World = { models: [], pristine: '', versions: [], campaigns, victims: [] };
const times = { created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:01Z' };
const versions = { model_version: 'model', population_version: 'population' };
const counts = { seeds: { known: 2, unknown: 0 }, excluded: { suppressed: 0 } };
const expansion = { id: 'first', state: 'ready', audience_version: 1, reason: null, ...versions, ...counts, ...times };
const inputs = { campaign: 0, variant: 0, modelVersion: 'model', populationVersion: 'population', erased: 0 };
const acknowledged = { active: 1, size: 2, resizes: 0, rollBacks: 0, isDeleted: false, cancelled: new Set<string>() };
const ledger: Entry = {
  key: 'shoes',
  id: 'c',
  campaign: 0,
  variant: 0,
  ...acknowledged,
  expansions: new Map([['first', 0]]),
};

/** The pages of a service that did what the ledger says, and what differs from them. */
const PAGES: Record<string, unknown> = {
  '/v1/campaigns?limit=200': { items: [{ id: 'c', name: 'shoes' }], next_cursor: null },
  '/v1/campaigns/c': { audience: { size: 2 }, audience_version: 1 },
  '/v1/campaigns/c/seeds': { users: 2 },
  '/v1/campaigns/c/expansions?limit=200': { items: [expansion] },
  '/v1/campaigns/c/expansions/first': expansion,
  '/v1/campaigns/c/audiences?limit=200': { items: [{ version: 1, expansion_id: 'first', size: 2 }] },
  '/v1/campaigns/c/audiences/1': ROWS,
};

it.each([
  ['nothing', {}, {}],
  ['a lost campaign', { '/v1/campaigns?limit=200': { items: [], next_cursor: null } }, { lost: 1 }],
  ['a lost seed', { '/v1/campaigns/c/seeds': { users: 1 } }, { lost: 1 }],
  [
    'a doubled campaign',
    { '/v1/campaigns?limit=200': { items: ['c', 'd'].map((id) => ({ id, name: 'shoes' })), next_cursor: null } },
    { doubled: 2 },
  ],
  [
    'a doubled expansion',
    { '/v1/campaigns/c/expansions?limit=200': { items: [expansion, { ...expansion, id: 'second' }] } },
    { doubled: 1 },
  ],
  ['a different audience', { '/v1/campaigns/c/audiences/1': ROWS.toReversed() }, { different: 1 }],
])('a verdict finds %s', async (_, changes, found) => {
  const call = (_method: string, path: string) => {
    const json = (changes as typeof PAGES)[path] ?? PAGES[path];
    const text = Array.isArray(json) ? json.join('\n') : '';
    return Promise.resolve({ status: 200, headers: new Headers({ 'x-audience-version': '1' }), text, json });
  };
  const verdict = emptyVerdict();
  const stored = await checkLedgers({ program: { call }, world, others: new Set(), damage: null }, [ledger], verdict);
  const reference = new Map([[keyOf(inputs), { digest: '', lines: ROWS }]]);
  compareAll(stored, { reference, erased: new Set(), erasures: [], hasClockJumped: false }, verdict);
  const { lost, doubled, different } = verdict;
  expect({ lost: lost.length, doubled: doubled.length, different: different.length }).toEqual({
    lost: 0,
    doubled: 0,
    different: 0,
    ...found,
  });
});
