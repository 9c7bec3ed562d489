/** How many expansions an engine runs at a time. */

/** At most: they share the scoring of the users that they have in common. */
const MOST_JOBS = 16;
/** What the scores and rows of all of them may take, at some 16 bytes a user each. */
const MEMORY_BYTES = 256 * 1024 * 1024;
const BYTES_PER_USER = 16;
/**
 * Where scoring takes much longer than adapting: only there does the average campaign end earlier if all are adapted
 * before the first is scored.
 */
const SHARED_FROM_USERS = 500_000;

export interface JobsAtOnce {
  readonly threads: number;
  /** Of the population. */
  readonly users: number;
  /** Whether campaigns have a part of their scoring in common: not where adaptation changes all parameters. */
  readonly hasSharedPart: boolean;
}

/** As many as there are threads, or as many as share a pass and fit into memory. */
export function jobsAtOnce({ threads, users, hasSharedPart }: JobsAtOnce): number {
  if (!hasSharedPart || users < SHARED_FROM_USERS) return threads;
  const fitting = Math.floor(MEMORY_BYTES / (BYTES_PER_USER * users));
  return Math.max(threads, Math.min(MOST_JOBS, fitting));
}

/**
 * Whether one more may be claimed. A job that has failed before may be the one that ends engines, and an engine's end
 * costs every running job an attempt: beside it there are no more than a job for each thread.
 */
export function mayClaim(running: Iterable<{ readonly attempt: number }>, threads: number): boolean {
  const attempts = Array.from(running, ({ attempt }) => attempt);
  return attempts.length < threads || attempts.every((attempt) => attempt === 1);
}
