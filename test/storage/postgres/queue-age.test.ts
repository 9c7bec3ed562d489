/** The view that autoscalers of engines ask: what it says of jobs, and that a role needs nothing else to read it. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { claimable, NEW_RANGE, type RangeState } from '../../../src/domain/ranges.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { ROOT } from '../../architecture/files.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';

const scaling = readFileSync(join(ROOT, 'deploy/kubernetes/cluster/engine-scaling.yaml'), 'utf8');
const { triggers } = parseAllDocuments(scaling)[0]!.toJS().spec;
/** What KEDA asks. */
const queries = triggers.map((trigger: { metadata: { query: string } }) => trigger.metadata.query) as string[];

/** Times are seconds ago; negative in the future. */
interface Given {
  readonly queued: number;
  readonly runAfter?: number;
  readonly owner?: string;
  readonly leaseUntil?: number;
  readonly ranges?: readonly GivenRange[];
}

interface GivenRange {
  readonly holders?: readonly { readonly owner: string; readonly leaseUntil: number }[];
  readonly isDoubled?: true;
  readonly isFinished?: true;
  readonly runAfter?: number;
}

const RULES = { leaseMs: 10_000, maximumAttempts: 5 };

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** Puts rows of jobs in place of those that are there. */
async function setJobs(client: pg.Client, jobs: readonly Given[]): Promise<void> {
  const ago = (seconds: number) => `(extract(epoch FROM now()) * 1000)::bigint - ${seconds} * 1000`;
  const rows = jobs.map(({ queued, runAfter = queued, owner, leaseUntil }, i) => {
    const lease = leaseUntil === undefined ? 'NULL' : ago(leaseUntil);
    return `('job ${i}', ${i}, ${ago(queued)}, ${ago(runAfter)}, ${owner ? `'${owner}'` : 'NULL'}, ${lease})`;
  });
  // without their expansions
  const insert = `INSERT INTO jobs (id, expansion, queued_at, run_after, owner, lease_until) VALUES ${rows.join(', ')}`;
  await client.query(`SET session_replication_role = replica; DELETE FROM jobs; ${rows.length > 0 ? insert : ''}`);
  for (const [i, { ranges = [] }] of jobs.entries()) if (ranges.length > 0) await setRanges(client, i, ranges);
}

/** Offers ranges of a job, as the store records their states. */
async function setRanges(client: pg.Client, job: number, ranges: readonly GivenRange[]): Promise<void> {
  const texts = {
    campaign_id: 'c',
    expansion_id: 'e',
    job: `job ${job}`,
    folder: `work/${job}`,
    key: 'k',
    golden: 'g',
  };
  const offer = { number: job, ...texts, token: 1, model_version: 'm', population_version: 'p' };
  await insertRow(client, 'range_offers', offer);
  for (const [number, given] of ranges.entries()) {
    const state: RangeState = {
      ...NEW_RANGE,
      isDoubled: given.isDoubled ?? false,
      runAfter: given.runAfter === undefined ? 0 : msAgo(given.runAfter),
      holders: (given.holders ?? []).map(({ owner, leaseUntil }, i) => ({
        ...{ owner, token: i + 1, claimedAt: 0, leaseUntil: msAgo(leaseUntil) },
      })),
      finished: given.isFinished ? ({ owner: 'a', token: 1 } as RangeState['finished']) : null,
    };
    const { from, own, ownFrom } = claimable(state, RULES);
    const row = { offer: job, number, from_segment: number, to_segment: number + 1, state: JSON.stringify(state) };
    await insertRow(client, 'ranges', { ...row, claimable_from: from, own, own_from: ownFrom });
  }
}

function msAgo(seconds: number): number {
  return systemClock.now() - seconds * 1000;
}

async function insertRow(client: pg.Client, table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
  const places = Object.keys(row).map((_, i) => `$${i + 1}`);
  const text = `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${places.join(', ')})`;
  await client.query(text, Object.values(row));
}

describeWithPostgres('queue_age', () => {
  it.each<readonly [string, readonly Given[], { oldest: number; waiting: number; busy: number }]>([
    ['no job', [], { oldest: 0, waiting: 0, busy: 0 }],
    ['jobs that wait', [{ queued: 40 }, { queued: 90 }], { oldest: 90, waiting: 2, busy: 0 }],
    ['a job that is retried later', [{ queued: 90, runAfter: -60 }], { oldest: 0, waiting: 0, busy: 0 }],
    ['a job that was retried', [{ queued: 90, runAfter: 20 }], { oldest: 20, waiting: 1, busy: 0 }],
    ['a held job', [{ queued: 90, owner: 'a', leaseUntil: -10 }], { oldest: 0, waiting: 0, busy: 1 }],
    [
      'engines with several jobs, and one that died',
      [
        { queued: 500, owner: 'a', leaseUntil: -10 },
        { queued: 500, owner: 'a', leaseUntil: -10 },
        { queued: 500, owner: 'b', leaseUntil: -10 },
        { queued: 500, owner: 'dead', leaseUntil: 5 },
      ],
      { oldest: 5, waiting: 1, busy: 2 },
    ],
    [
      'an expansion whose ranges wait, of which another engine has one',
      [
        {
          ...{ queued: 70, owner: 'a', leaseUntil: -10 },
          ranges: [{}, { holders: [{ owner: 'b', leaseUntil: -10 }] }, {}, { isFinished: true }],
        },
      ],
      { oldest: 70, waiting: 1, busy: 2 },
    ],
    [
      'ranges that are all held, doubled, finished or put off',
      [
        {
          ...{ queued: 70, owner: 'a', leaseUntil: -10 },
          ranges: [
            { holders: [{ owner: 'b', leaseUntil: -10 }] },
            { holders: [{ owner: 'c', leaseUntil: -10 }], isDoubled: true },
            { isFinished: true },
            { runAfter: -60 },
          ],
        },
      ],
      { oldest: 0, waiting: 0, busy: 3 },
    ],
    [
      'the range of an engine that died',
      [{ queued: 70, owner: 'a', leaseUntil: -10, ranges: [{ holders: [{ owner: 'dead', leaseUntil: 8 }] }] }],
      { oldest: 8, waiting: 1, busy: 1 },
    ],
  ])('has one row with numbers for %s', async (_, jobs, { oldest, waiting, busy }) => {
    const url = await openMigratedPostgres();
    const client = await connect(url);
    await setJobs(client, jobs);
    const { rows } = await client.query('SELECT * FROM queue_age');
    const answers = await Promise.all(queries.map((query) => client.query({ text: query, rowMode: 'array' })));
    await client.end();
    expect(rows).toHaveLength(1);
    const [{ oldest_seconds, waiting_expansions, busy_engines }] = rows;
    expect([waiting_expansions, busy_engines]).toEqual([String(waiting), String(busy)]);
    // whole seconds, and the test takes some
    expect(oldest_seconds).toMatch(/^\d+$/);
    expect(Number(oldest_seconds) - oldest).toBeGreaterThanOrEqual(0);
    expect(Number(oldest_seconds) - oldest).toBeLessThan(30);
    if (oldest === 0) expect(oldest_seconds).toBe('0');
    const values = answers.map((answer) => answer.rows);
    expect(values).toEqual([[[expect.stringMatching(/^\d+$/)]], [[String(busy)]]]);
  });

  it('can be read by a role that may read nothing else', async () => {
    const url = await openMigratedPostgres();
    const owner = await connect(url);
    const role = `scaler_${randomUUID().replaceAll('-', '')}`;
    await owner.query(`CREATE ROLE ${role} LOGIN PASSWORD 'scaler'; GRANT SELECT ON queue_age TO ${role}`);
    const login = new URL(url);
    [login.username, login.password] = [role, 'scaler'];
    const scaler = await connect(login.href);
    for (const query of queries) expect((await scaler.query(query)).rows).toHaveLength(1);
    await expect(scaler.query('SELECT * FROM jobs')).rejects.toThrow('permission denied for table jobs');
    await scaler.end();
    await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await owner.end();
  });
});
