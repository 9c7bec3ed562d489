/**
 * The port of jobs: the operations of engines and their parents. A job is leased to an owner; each claim has a fencing
 * token.
 */
import type { Timings } from '../run-facts.ts';
import type { ExpansionResult, Job, Pins, Reason } from '../types.ts';

/**
 * A method that takes a `Job` returns false if that claim no longer holds (the lease was lost: another claim was made,
 * or the expansion was cancelled, superseded or deleted): nothing was changed, and the work must be dropped. The job's
 * fencing token, which is unique to a claim, decides whether it holds, so a stale worker is refused whatever its name.
 * An expired lease that nobody has taken still holds. Every method that writes may throw AppError storage_failed or
 * unavailable, and then had no effect.
 */
export interface Jobs {
  /**
   * Leases the claimable job whose turn (`turnOf`) comes first to `owner` (`<pid>:<uuid>`); null if there is none. The
   * expansion is queued again until the owner advances it. Jobs whose last attempt let its lease expire end as failed,
   * reason crashed. All of it is one commit, and no two callers get the same job.
   */
  claim(owner: string): Job | null;

  /** Whether this claim still holds. */
  isHeld(job: Job): boolean;

  /** Renews the lease. */
  renew(job: Job): boolean;

  /** Pins the versions that the expansion works with, and returns the pinned ones: the first attempt's. */
  pin(job: Job, pins: Pins): Pins;

  /** Writes the stage and the progress reached; progress (0..1) never falls. */
  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): boolean;

  /**
   * Publishes the ranking as the campaign's active audience and ends the job: result, audience version, events and the
   * end of the job are one commit. The expansion must be scoring, and pinned.
   */
  finish(job: Job, result: ExpansionResult): boolean;

  /** Ends the expansion without an audience, with its events, in one commit. */
  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Timings): boolean;

  /**
   * Puts the job back into the queue, not before `delayMs` have passed, showing `reason` meanwhile; fails it with that
   * reason if the attempts are used up.
   */
  retryLater(job: Job, reason: Reason, delayMs: number): boolean;

  /**
   * Releases the jobs of an ended engine without waiting for its leases to expire; returns their number. Attempts of an
   * engine that died stay counted; those of one stopped on purpose do not.
   */
  releaseOwner(owner: string, how?: 'died' | 'stopped'): number;

  /**
   * `releaseOwner` for every owner: the first thing that a service does at startup, as any owner then belongs to a
   * service that ended.
   */
  releaseAll(): number;
}
