/**
 * The port of jobs: the operations of engines and their parent processes. A job is leased to an owner; each claim has a
 * fencing token.
 */
import type { Timings } from '../run-facts.ts';
import type { ExpansionResult, Job, Pins, Reason } from '../types.ts';

/**
 * A method that takes a `Job` returns false if that claim no longer holds (another claim was made, or the expansion was
 * cancelled, superseded or deleted): nothing was changed, and the work must be dropped. The job's fencing token, which
 * is unique to a claim, decides whether it holds, so a stale worker is refused whatever its name. A claim whose lease
 * expired still holds until another is made. Every method that writes may throw AppError storage_failed or unavailable,
 * and then had no effect.
 */
export interface Jobs {
  /**
   * Leases the claimable job whose turn (`turnOf`) comes first; null if there is none. `owner` is `<pid>:<uuid>`. The
   * expansion's state is `queued` until the owner advances it. A job whose lease expired during its last allowed
   * attempt ends as failed with the reason `crashed`. All of this is one commit, and no two callers get the same job.
   */
  claim(owner: string): Job | null;

  /** Whether this claim still holds. */
  isHeld(job: Job): boolean;

  /** Renews the lease. */
  renew(job: Job): boolean;

  /** Pins the versions that the expansion works with. Returns the pinned ones, which are those of the first attempt. */
  pin(job: Job, pins: Pins): Pins;

  /** Writes the stage and the progress; progress (0..1) never decreases. */
  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): boolean;

  /**
   * Publishes the ranking as the campaign's active audience and ends the job: result, audience version, events and the
   * end of the job are one commit. The expansion must be scoring, and pinned.
   */
  finish(job: Job, result: ExpansionResult): boolean;

  /** Ends the expansion without an audience and writes its events, in one commit. */
  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Timings): boolean;

  /**
   * Puts the job back into the queue, to be claimed after `delayMs` at the earliest, and shows `reason` meanwhile; if
   * no attempts are left, ends the expansion as failed with that reason.
   */
  retryLater(job: Job, reason: Reason, delayMs: number): boolean;

  /**
   * Releases the jobs of an engine that ended, without waiting for its leases to expire; returns their number. Attempts
   * of an engine that died stay counted; attempts of an engine that was stopped on purpose do not.
   */
  releaseOwner(owner: string, how?: 'died' | 'stopped'): number;

  /**
   * `releaseOwner` for every owner. A service calls it first at startup, when every owner belongs to a service that has
   * ended.
   */
  releaseAll(): number;
}
