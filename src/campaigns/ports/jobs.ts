/** The port of jobs: what engines and their parents do. A job is leased to an owner; each claim has a fencing token. */
import type { ExpansionResult, Job, Pins, Reason } from '../types.ts';

/**
 * A method that takes a `Job` returns false where that claim no longer holds (the lease was lost: another claim was
 * made, or the expansion was cancelled, superseded or deleted): nothing was changed, and the work is to be dropped.
 * Whether it holds is told by the job's fencing token, which no two claims share, so a stale worker is refused whatever
 * its name is. A lease that ran out but was not taken still holds. Every method that writes may throw AppError
 * storage_failed or unavailable, and then had no effect.
 */
export interface Jobs {
  /** How long the first of the jobs that nobody works at has waited; 0 where there is none. */
  oldestQueuedSeconds(): number;

  /**
   * Leases the first claimable job of the queue to `owner` (`<pid>:<uuid>`); null where there is none. The expansion is
   * queued again until the owner advances it. Jobs whose last attempt died with its lease end as failed, reason
   * crashed. All of it is one commit, and no two callers are given the same job.
   */
  claim(owner: string): Job | null;

  /** Whether this claim still holds. */
  isHeld(job: Job): boolean;

  /** Starts the lease anew. */
  renew(job: Job): boolean;

  /** Fixes the versions that the expansion works with, and returns those that hold: the first attempt's. */
  pin(job: Job, pins: Pins): Pins;

  /** Writes the stage and the progress reached; progress (0..1) never falls. */
  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): boolean;

  /**
   * Publishes the ranking as the campaign's active audience and ends the job: result, audience version, events and the
   * end of the job are one commit. The expansion must be scoring, and pinned.
   */
  finish(job: Job, result: ExpansionResult): boolean;

  /** Ends the expansion without an audience, with its events, in one commit. */
  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Readonly<Record<string, number>>): boolean;

  /**
   * Back to the queue, not before `delayMs` have passed, `reason` shown meanwhile; failed with it where the attempts
   * are used up.
   */
  retryLater(job: Job, reason: Reason, delayMs: number): boolean;

  /**
   * Takes back what an ended engine held, without waiting for its leases; returns the number of jobs. The attempts of
   * one that died stay counted; one that was stopped on purpose is not to blame.
   */
  releaseOwner(owner: string, how?: 'died' | 'stopped'): number;

  /**
   * `releaseOwner` for every owner: what the start of a service does first. Whoever holds a job then is of a service
   * that ended.
   */
  releaseAll(): number;
}
