/** Makes instances of pg-boss, which keep its queue in the schema `pgboss` and run nothing by themselves. */
import { type Clock, type Db, PgBoss } from 'pg-boss';
import { systemClock } from '../../../lib/clock.ts';
import { newClient } from '../database/driver.ts';
import { databaseError } from '../database/errors.ts';
import { allRows } from '../database/statement.ts';

/** The name of the queue. */
export const QUEUE = 'expansions';
/**
 * Minimum time between two looks for owners without a heartbeat, by all processes together. pg-boss allows no less.
 */
export const MONITOR_SECONDS = 1;

/** The key of the advisory lock that only one process holds while it installs or migrates the queue: `mhq`. */
const LOCK = 0x6d6871;
const DAY_SECONDS = 24 * 3600;
/** A backlog is the service's to report. */
const WARNED_BACKLOG = 10_000_000;

/** Timers that keep no process alive. */
const TIMERS: Clock = {
  now: () => systemClock.now(),
  setTimeout: (work, ms) => setTimeout(work, ms).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  setInterval: (work, ms) => setInterval(work, ms).unref(),
  clearInterval: (timer) => clearInterval(timer as NodeJS.Timeout),
};

/**
 * Starts an instance whose statements run by `db`.
 * @throws Error if the schema is not installed or has another version
 */
export function startBoss(db: Db): Promise<PgBoss> {
  return newBoss(db, false).start();
}

/**
 * Installs the queue in the database that a URL names, or migrates it. Processes that do so at the same time wait for
 * each other.
 * @throws AppError storage_failed, unavailable
 */
export async function installQueue(url: string): Promise<void> {
  const client = newClient(url);
  try {
    await client.connect();
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const executeSql = async (text: string, values?: unknown[]) => allRows(await client.query(text, values));
    const boss = await newBoss({ executeSql }, true).start();
    await boss.createQueue(QUEUE);
    await boss.stop({ graceful: false });
  } catch (error) {
    throw databaseError(error);
  } finally {
    // the lock ends with the connection
    await client.end().catch(() => {});
  }
}

/** Nothing runs by timers: the store calls `supervise` when an owner may be dead, and regularly in the leader. */
function newBoss(db: Db, migrate: boolean): PgBoss {
  const boss = new PgBoss({
    ...{ db, migrate, clock: TIMERS, warningQueueSize: WARNED_BACKLOG },
    ...{ supervise: false, schedule: false, registerInstance: false, openTelemetry: { enabled: false } },
    ...{ monitorIntervalSeconds: MONITOR_SECONDS, queueCacheIntervalSeconds: DAY_SECONDS },
    ...{ monitorVacuum: false, reindex: false },
  });
  // statements that fail reject the calls that need them; what is left is maintenance, which is repeated
  boss.on('error', () => {});
  return boss;
}
