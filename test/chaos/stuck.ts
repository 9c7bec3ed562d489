/** Describes a service that does not finish its work: its jobs, clock, disk, engine and the faults before. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { systemClock } from '../../src/lib/clock.ts';
import type { Program } from './program.ts';
import { query } from './stored.ts';

export interface StuckScene {
  readonly program: Pick<Program, 'api' | 'engine' | 'call' | 'log'>;
  readonly dataDir: string;
  /** The faults, with their times. */
  readonly history: readonly string[];
}

const LAST_FAULTS = 20;
const LOG_CHARACTERS = 4000;
const JOBS = `SELECT c.name, e.state, e.reason, j.attempt, j.run_after AS runAfter, j.lease_until AS leaseUntil, j.owner,
    e.model_version AS model, e.population_version AS population
  FROM jobs j JOIN expansions e ON e.number = j.expansion JOIN campaigns c ON c.number = e.campaign
  ORDER BY j.turn, j.number`;

interface JobRow {
  readonly name: string;
  readonly runAfter: number;
  readonly leaseUntil: number | null;
}

/** One item per line; an item that cannot be read says why. */
export async function describeStuck({ program, dataDir, history }: StuckScene): Promise<string> {
  const { engine, api } = program;
  const status = await attempt(async () => (await program.call('GET', '/v1/status')).json);
  const items: Record<string, unknown> = {
    status,
    clock: await attempt(() => query(dataDir, 'SELECT * FROM clock_used')),
    disk: await attempt(() => statfsSync(dataDir)),
    api,
    engine,
    'threads of the engine': engine === null ? [] : await attempt(() => threadsOf(engine)),
  };
  const jobs = (await attempt(() => jobsOf(dataDir))) as readonly string[];
  return [
    ...Object.entries(items).map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
    ...jobs.map((job) => `job: ${job}`),
    ...history.slice(-LAST_FAULTS).map((fault) => `fault: ${fault}`),
    program.log.slice(-LOG_CHARACTERS),
  ].join('\n');
}

async function attempt(read: () => unknown): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    return [String(error)];
  }
}

/** The jobs in the order of the queue. Their times are relative to the service's time. */
function jobsOf(dataDir: string): string[] {
  const [used] = query<{ used_at: number; elapsed: number }>(dataDir, 'SELECT used_at, elapsed FROM clock_used');
  const now = used === undefined ? systemClock.now() : used.used_at + systemClock.elapsed() - used.elapsed;
  const from = (at: number | null) => at && `${Math.round(at - now)} ms`;
  return query<JobRow>(dataDir, JOBS).map((row) =>
    JSON.stringify({ ...row, runAfter: from(row.runAfter), leaseUntil: from(row.leaseUntil) }),
  );
}

/** The state of each thread, the kernel function in which it waits, and the processor time that it has used. */
function threadsOf(pid: number): string[] {
  const read = (thread: string, name: string) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/${name}`, 'utf8').trim();
    } catch {
      return '?';
    }
  };
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = read(thread, 'stat');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = `${fields[11]}+${fields[12]} ticks`;
    return [read(thread, 'comm'), fields[0], ticks, read(thread, 'wchan'), read(thread, 'syscall')].join(' ');
  });
}
