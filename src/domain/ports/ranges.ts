/**
 * The port of distributed expansions. The engine that claimed an expansion adapts the model, publishes the inputs of
 * scoring as a blob folder, and offers ranges of segments. Every engine claims ranges, scores them, and writes its part
 * of the ranking as a blob folder. The owner merges the parts.
 */

import type { RangeChoice } from '../range-choice.ts';
import type { countRanges } from '../range-counts.ts';
import type { FinishedRange, RangeResult, RangeState, SegmentRange } from '../ranges.ts';
import type { Job, Pins, Reason } from '../types.ts';

/** The inputs of an expansion's ranges, which all its ranges share. */
export interface RangeInputs extends Pins {
  /**
   * Identifies all inputs of the scores. Ranges of offers with the same key have the same parts, so a later attempt at
   * the expansion uses the parts of an earlier attempt with the same key.
   */
  readonly key: string;
  /**
   * Identifies the model, the release and the scores of the model's golden batch on the owner's processor. An engine
   * with other scores must not score the ranges, because the bytes of the ranking would depend on the engine.
   */
  readonly golden: string;
  /** The blob folder of the inputs. Folders of parts have names that begin with this name: see `partFolder`. */
  readonly folder: string;
}

export interface RangeOffer extends RangeInputs {
  readonly ranges: readonly SegmentRange[];
}

export type OfferedRange = SegmentRange & { readonly state: RangeState };

/** An offer and the progress of its ranges. */
export interface OfferState extends RangeInputs {
  readonly ranges: readonly OfferedRange[];
}

/** A claim of one range. */
export interface RangeClaim extends RangeInputs {
  readonly expansionId: string;
  readonly campaignId: string;
  /** The index of the range in its offer. */
  readonly number: number;
  readonly range: SegmentRange;
  readonly owner: string;
  /** The fencing token, which increases with each claim of the range. */
  readonly token: number;
}

/** An offer whose expansion has ended, or is being computed with other inputs. Its blobs are no longer needed. */
export interface StaleOffer {
  readonly folder: string;
  /** The folders of parts that may exist. */
  readonly parts: readonly string[];
}

/**
 * A method that takes a `Job` returns null or false if the claim of that job is no longer valid, as the methods of
 * `Jobs` do. A method that takes a `RangeClaim` returns false if the claim is no longer valid: the range is finished,
 * another engine has taken it, or its expansion was cancelled, superseded, deleted or begun with other inputs. In that
 * case nothing was changed, and the work must be dropped. A change of the expansion's owner does not end the claims of
 * its ranges. Every method may throw AppError storage_failed or unavailable; if it does, it has had no effect.
 */
export interface RangeWork {
  /**
   * Offers the ranges of an expansion. An earlier offer of the expansion becomes stale, even if its key is the same.
   */
  offer(job: Job, offer: RangeOffer): Promise<boolean>;

  /**
   * Takes over the offer that an earlier attempt at the expansion made with the same key and ranges; null if there is
   * none. Finished ranges stay finished, and engines keep their claims. Failed ranges may be tried again
   * (`rangeAgain`).
   */
  resume(job: Job, key: string, ranges: readonly SegmentRange[]): Promise<OfferState | null>;

  /**
   * The progress of the ranges that the job offers, without claims whose lease has expired (`rangeAt`); null if the job
   * offers none or its claim is no longer valid.
   */
  stateOf(job: Job): Promise<OfferState | null>;

  /**
   * Allows a second engine to take each of these ranges. The first result counts. Returns false if the job's claim is
   * no longer valid.
   */
  double(job: Job, numbers: readonly number[]): Promise<boolean>;

  /**
   * Claims ranges for an engine by the rules of `chooseRanges`; expansions come in the order of the queue. Returns an
   * empty array if no range is claimable. Each call makes one commit.
   */
  claim(choice: RangeChoice): Promise<readonly RangeClaim[]>;

  /** Renews the leases of claims; returns the claims that are still valid. */
  renew(claims: readonly RangeClaim[]): Promise<readonly RangeClaim[]>;

  /** Records that the part of a range is durable. Only the first result of a range counts. */
  finish(claim: RangeClaim, result: RangeResult): Promise<boolean>;

  /**
   * Puts a range back, to be claimed after `delayMs` at the earliest. If no attempts are left, the range is failed, and
   * the owner of the expansion ends its attempt with the reason.
   */
  fail(claim: RangeClaim, reason: Reason, delayMs: number): Promise<boolean>;

  /** Returns ranges that this engine must not score because it cannot reproduce their `golden` scores. */
  refuse(claims: readonly RangeClaim[]): Promise<void>;

  /**
   * Releases the ranges of an engine that ended, without waiting for the leases to expire; returns their number. The
   * store calls this method when it releases the engine's jobs. `working` contains the names of the ranges on which a
   * dead engine was working; without it, the death counts against all its ranges.
   */
  release(owner: string, how: 'died' | 'stopped', working?: ReadonlySet<string>): Promise<number>;

  /** Calls `listener` when ranges may have become claimable, or all ranges of an expansion may be finished. */
  listen(listener: () => void): void;

  /** Counts the ranges of all offers that are not stale, whether or not leases have expired. */
  counts(): Promise<ReturnType<typeof countRanges>>;

  /** Stale offers, whose blobs the caller removes before it calls `forget`. */
  stale(): Promise<readonly StaleOffer[]>;

  /** Removes a stale offer. */
  forget(offer: StaleOffer): Promise<void>;
}

/** A name that is unique among the ranges of all offers. */
export function rangeName({ folder, number }: Pick<RangeClaim, 'folder' | 'number'>): string {
  return `${number} ${folder}`;
}

/** The blob folder of the inputs of an expansion's ranges. `token` is the token of the job's claim. */
export function workFolder(expansionId: string, token: number): string {
  return `work/${expansionId}/${token}`;
}

/**
 * The blob folder of a range's part. Each claim of a range has its own folder, so no engine replaces the part of
 * another.
 */
export function partFolder(folder: string, number: number, { token }: Pick<FinishedRange, 'token'>): string {
  return `${folder}-${number}-${token}`;
}

/** The folder of the merged ranking before the four-fifths rule changes its order. */
export function unchangedFolder(folder: string): string {
  return `${folder}-unchanged`;
}

/** The folders of all parts that the claims of an offer may have written. */
export function partFolders({ folder, ranges }: Pick<OfferState, 'folder' | 'ranges'>): string[] {
  return ranges.flatMap(({ state }, number) =>
    Array.from({ length: state.token }, (_, i) => partFolder(folder, number, { token: i + 1 })),
  );
}
