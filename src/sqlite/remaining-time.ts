/** How long an expansion still takes, told by those that ended last. */
import type { ExpansionState } from '../campaigns/states.ts';
import type { Database } from './database.ts';

/** Expansions that ended last, by which is told how long others take. */
const RECENT = 20;

/**
 * Milliseconds: what ended lately took so long, of which `progress` is done; one that waits, waits for all before it
 * too. null if it has ended, or nothing has.
 */
export function remainingMs(
  database: Database,
  { number, state, progress }: { readonly number: number; readonly state: ExpansionState; readonly progress: number },
): number | null {
  if (state !== 'queued' && state !== 'adapting' && state !== 'scoring') return null;
  const mean = database
    .prepare(
      `SELECT avg(took) FROM (SELECT updated_at - started_at AS took FROM expansions
         WHERE state = 'ready' AND started_at IS NOT NULL ORDER BY number DESC LIMIT ${RECENT})`,
    )
    .pluck()
    .get() as number | null;
  if (mean === null) return null;
  const before = state === 'queued' ? countBefore(database, number) : 0;
  return Math.round(mean * (before + 1 - progress));
}

function countBefore(database: Database, expansion: number): number {
  return database
    .prepare(
      `SELECT count(*) FROM jobs
       WHERE (turn, number) < (SELECT turn, number FROM jobs WHERE expansion = @expansion)`,
    )
    .pluck()
    .get({ expansion }) as number;
}
