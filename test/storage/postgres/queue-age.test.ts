/** The view that autoscalers of engines ask: what it says of jobs, and that a role needs nothing else to read it. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { migrate } from '../../../src/storage/postgres/database/migrations.ts';
import { ROOT } from '../../architecture/files.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';

const scaling = readFileSync(join(ROOT, 'deploy/kubernetes/cluster/engine-scaling.yaml'), 'utf8');
const { triggers } = parseAllDocuments(scaling)[0]!.toJS().spec;
/** What KEDA asks. */
const queries = triggers.map((trigger: { metadata: { query: string } }) => trigger.metadata.query) as string[];

interface Given {
  /** Seconds ago; negative in the future. */
  readonly queued: number;
  readonly runAfter?: number;
  readonly owner?: string;
  readonly leaseUntil?: number;
}

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
  ])('has one row with numbers for %s', async (_, jobs, { oldest, waiting, busy }) => {
    const url = await openPostgres();
    await migrate(url);
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
    const url = await openPostgres();
    await migrate(url);
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
