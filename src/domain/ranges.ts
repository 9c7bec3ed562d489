/**
 * The rules of distributed expansions: functions of a range's state, a command and the time. A range is a run of
 * consecutive segments that any engine can score. Times are in milliseconds since 1970.
 */
import { assert, unreachable } from '../lib/errors.ts';
import { pauseMs } from './expansions.ts';
import type { Reason } from './types.ts';

/** The segments `from` to `to - 1` of a population version. */
export interface SegmentRange {
  readonly from: number;
  readonly to: number;
}

/** Divides the segments of a population into ranges of `size` segments; the last range may be shorter. */
export function rangesOf(segments: number, size: number): readonly SegmentRange[] {
  assert(size >= 1, 'a range has at least one segment');
  return Array.from({ length: Math.ceil(segments / size) }, (_, i) => ({
    from: i * size,
    to: Math.min(segments, (i + 1) * size),
  }));
}

/** An engine that is scoring a range. */
export interface RangeHolder {
  readonly owner: string;
  /** The fencing token of the claim. */
  readonly token: number;
  readonly claimedAt: number;
  readonly leaseUntil: number;
}

/** The result of a range that counts: that of the first claim that finished. */
export interface FinishedRange {
  readonly owner: string;
  /** The token of the claim, which is part of the name of the part's folder. */
  readonly token: number;
  /** The time from the claim to the result. */
  readonly tookMs: number;
  /** Number of users in the part. */
  readonly candidates: number;
  /** Thread-seconds spent on scoring. */
  readonly threadSeconds: number;
  /** Number of rows per run of the model. */
  readonly batchSize: number;
}

export interface RangeState {
  /** The token of the last claim; 0 before the first claim. */
  readonly token: number;
  /** The claims that are valid: one, or two if the range was doubled. */
  readonly holders: readonly RangeHolder[];
  /** Whether a second engine may take the range while the first is still working on it. */
  readonly isDoubled: boolean;
  /** Number of attempts that ended with an error. */
  readonly failures: number;
  /** Number of attempts whose engine died. */
  readonly deaths: number;
  /** The range must not be claimed before this time. */
  readonly runAfter: number;
  /** Why the last attempt failed; null if no attempt failed. */
  readonly reason: Reason | null;
  readonly finished: FinishedRange | null;
}

export const NEW_RANGE: RangeState = {
  token: 0,
  holders: [],
  isDoubled: false,
  failures: 0,
  deaths: 0,
  runAfter: 0,
  reason: null,
  finished: null,
};

export interface RangeRules {
  /** How long a range is leased by a claim or a renewal. */
  readonly leaseMs: number;
  /** Maximum number of attempts that fail, and maximum number of attempts whose engine dies. */
  readonly maximumAttempts: number;
}

export type RangeCommand =
  | { readonly kind: 'claim'; readonly owner: string }
  | { readonly kind: 'renew'; readonly token: number }
  | { readonly kind: 'finish'; readonly token: number; readonly result: RangeResult }
  | { readonly kind: 'fail'; readonly token: number; readonly reason: Reason; readonly delayMs: number }
  /** The engine must not score this range, so it gives the range back. */
  | { readonly kind: 'refuse'; readonly token: number }
  /** Another engine may take the range too. */
  | { readonly kind: 'double' }
  /** An engine died while it worked on the range, or it ended otherwise. */
  | { readonly kind: 'release'; readonly owner: string; readonly how: 'died' | 'stopped' };

export type RangeResult = Pick<FinishedRange, 'candidates' | 'threadSeconds' | 'batchSize'>;

/** How far a range is. `failed`: no attempts are left, so the expansion cannot be finished. */
export type RangePhase = 'waiting' | 'running' | 'finished' | 'failed';

export function phaseOf(range: RangeState, { maximumAttempts }: Pick<RangeRules, 'maximumAttempts'>): RangePhase {
  if (range.finished !== null) return 'finished';
  if (range.failures >= maximumAttempts || range.deaths >= maximumAttempts) return 'failed';
  return range.holders.length > 0 ? 'running' : 'waiting';
}

/** The range without holders whose lease has expired at the time `now`; their engines count as dead. */
export function rangeAt(range: RangeState, now: number): RangeState {
  const holders = range.holders.filter(({ leaseUntil }) => leaseUntil > now);
  return range.finished !== null || holders.length === range.holders.length ? range : died(range, holders);
}

/** The range for a new attempt at the expansion: a failed range may be tried as often as a new one. */
export function rangeAgain(range: RangeState, rules: RangeRules): RangeState {
  return phaseOf(range, rules) === 'failed' ? { ...range, failures: 0, deaths: 0 } : range;
}

/**
 * Whether an engine may claim a range: nobody is working on it, all leases have expired, or it was doubled and only one
 * other engine is working on it.
 */
export function isClaimable(range: RangeState, owner: string, rules: RangeRules, now: number): boolean {
  const left = rangeAt(range, now);
  const phase = phaseOf(left, rules);
  if (phase === 'waiting') return left.runAfter <= now;
  return phase === 'running' && left.isDoubled && left.holders.length === 1 && left.holders[0]!.owner !== owner;
}

/** Whether a range is claimed alone, because engines died while they worked on it and it may be the cause. */
export function isSuspect({ deaths }: Pick<RangeState, 'deaths'>): boolean {
  return deaths > 0;
}

/** When a range may be claimed, for a store that looks for claimable ranges. */
export interface Claimable {
  /** The time from which `isClaimable` may be true; null if the range is finished or failed. */
  readonly from: number | null;
  /** The engine to which `ownFrom` applies instead of `from`, because it is working on the range; null if none. */
  readonly own: string | null;
  readonly ownFrom: number | null;
}

export function claimable(range: RangeState, rules: RangeRules): Claimable {
  const phase = phaseOf(range, rules);
  if (phase === 'waiting') return { from: range.runAfter, own: null, ownFrom: null };
  if (phase !== 'running') return { from: null, own: null, ownFrom: null };
  const [{ owner, leaseUntil }] = range.holders as readonly [RangeHolder];
  if (range.isDoubled && range.holders.length === 1) return { from: 0, own: owner, ownFrom: leaseUntil };
  return { from: Math.min(...range.holders.map((holder) => holder.leaseUntil)), own: null, ownFrom: null };
}

/**
 * Decides what a command changes; null if its claim is no longer valid. Only `claim` removes holders whose lease has
 * expired, so a late result counts unless another engine has taken the range. The result that counts is accepted again.
 */
export function decideRange(
  range: RangeState,
  command: RangeCommand,
  rules: RangeRules,
  now: number,
): RangeState | null {
  switch (command.kind) {
    case 'claim':
      return claim(rangeAt(range, now), command.owner, rules, now);
    case 'double':
      return range.finished === null && range.holders.length === 1 ? { ...range, isDoubled: true } : range;
    case 'release':
      return range.finished === null ? release(range, command, now) : range;
    default: {
      if (command.kind === 'finish' && range.finished?.token === command.token) return range;
      const holder = range.finished === null ? range.holders.find(({ token }) => token === command.token) : undefined;
      return holder === undefined ? null : decideHeld(range, holder, command, rules, now);
    }
  }
}

type HeldCommand = Extract<RangeCommand, { readonly token: number }>;

function decideHeld(
  range: RangeState,
  holder: RangeHolder,
  command: HeldCommand,
  { leaseMs }: RangeRules,
  now: number,
): RangeState {
  const others = range.holders.filter((other) => other !== holder);
  switch (command.kind) {
    case 'renew': {
      // as for jobs, a renewal never shortens the lease
      const renewed = { ...holder, leaseUntil: Math.max(holder.leaseUntil, now + leaseMs) };
      return { ...range, holders: range.holders.map((other) => (other === holder ? renewed : other)) };
    }
    case 'finish': {
      const { owner, token, claimedAt } = holder;
      const finished = { ...command.result, owner, token, tookMs: Math.max(0, now - claimedAt) };
      return { ...range, holders: [], isDoubled: false, reason: null, finished };
    }
    case 'fail': {
      const { reason, delayMs } = command;
      return { ...range, holders: others, failures: range.failures + 1, reason, runAfter: now + delayMs };
    }
    case 'refuse':
      return { ...range, holders: others };
    default:
      return unreachable(command);
  }
}

function claim(range: RangeState, owner: string, rules: RangeRules, now: number): RangeState {
  assert(isClaimable(range, owner, rules, now), 'only a claimable range is claimed');
  const token = range.token + 1;
  const holder = { owner, token, claimedAt: now, leaseUntil: now + rules.leaseMs };
  return { ...range, token, holders: [...range.holders, holder] };
}

type Release = Extract<RangeCommand, { readonly kind: 'release' }>;

function release(range: RangeState, { owner, how }: Release, now: number): RangeState {
  const holders = range.holders.filter((holder) => holder.owner !== owner);
  if (holders.length === range.holders.length) return range;
  if (how === 'stopped') return { ...range, holders };
  const left = died(range, holders);
  return { ...left, runAfter: now + pauseMs(left.deaths) };
}

function died(range: RangeState, holders: readonly RangeHolder[]): RangeState {
  const deaths = range.deaths + range.holders.length - holders.length;
  const attempts = range.failures + deaths;
  const message = `the engine died in ${deaths} of ${attempts} attempts at a range`;
  return { ...range, holders, deaths, reason: { code: 'crashed', message, attempts } };
}
