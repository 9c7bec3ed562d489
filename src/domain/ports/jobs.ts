/**
 * The port of jobs, which engines and their parent processes use. A job is leased to an owner; each claim has a fencing
 * token.
 */
import type { Timings } from '../run-facts.ts';
import type { ExpansionResult, Job, Pins, Reason } from '../types.ts';

/**
 * A method that takes a `Job` returns false if the claim of that job is no longer valid because another claim was made,
 * or because the expansion was cancelled, superseded or deleted. In that case nothing was changed, and the work must be
 * dropped. Whether a claim is valid depends only on the job's fencing token, which is unique to a claim, so a stale
 * worker is refused whatever its name. A claim whose lease expired stays valid until another claim is made. Every
 * method that writes may throw AppError storage_failed or unavailable; if it does, it has had no effect.
 */
export interface Jobs {
  /**
   * Leases the claimable job whose turn (`turnOf`) comes first; null if no job is claimable. `owner` is `<pid>:<uuid>`.
   * The expansion stays `queued` until the owner begins work and advances it. If a lease expires after that, the job
   * counts a death. At the last allowed death, it ends as failed with the reason `crashed`. Each call makes one commit,
   * and no two callers get the same job.
   */
  claim(owner: string): Promise<Job | null>;

  /** Whether this claim is still valid. */
  isHeld(job: Job): Promise<boolean>;

  /** Renews the lease of a job. */
  renew(job: Job): Promise<boolean>;

  /**
   * Pins the versions that the expansion works with. Returns the pinned versions, which are the versions of the first
   * attempt.
   */
  pin(job: Job, pins: Pins): Promise<Pins>;

  /** Writes the stage and the progress of the expansion. Progress (0..1) never decreases. */
  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): Promise<boolean>;

  /**
   * Publishes the ranking as the campaign's active audience and ends the job: the result, the audience version, the
   * events and the end of the job are written in one commit. The expansion must be scoring, and pinned.
   */
  finish(job: Job, result: ExpansionResult): Promise<boolean>;

  /** Ends the expansion without an audience and writes its events, in one commit. */
  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Timings): Promise<boolean>;

  /**
   * Puts the job back into the queue, to be claimed after `delayMs` at the earliest. Until then, the expansion shows
   * `reason`. At the last allowed failure, the expansion ends as failed with that reason. Deaths of engines do not
   * count as failures.
   */
  retryLater(job: Job, reason: Reason, delayMs: number): Promise<boolean>;

  /**
   * Releases the jobs of an engine that ended, without waiting for its leases to expire; returns the number of jobs.
   * `working` contains the ids of the jobs and the names of the ranges (`rangeName`) on which the engine was working
   * when it died; by default, all that it had begun. A death counts against these jobs. At the maximum number of
   * deaths, the expansion ends as failed with the reason `crashed`; before that, the job waits longer after each death.
   * For all other jobs, and if the engine was stopped on purpose, the attempt does not count.
   */
  releaseOwner(owner: string, how?: 'died' | 'stopped', working?: ReadonlySet<string>): Promise<number>;

  /**
   * Releases the jobs of all owners, as `releaseOwner` does for one owner. A service calls this method first at
   * startup, when all owners are processes of a service that has ended.
   */
  releaseAll(): Promise<number>;
}
