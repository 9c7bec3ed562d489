/**
 * The rules of expansions and jobs: functions of an expansion's state, a command and the time. A store writes the
 * result of such a function in one transaction. Times are in milliseconds since 1970.
 */
import { AppError, assert, unreachable } from '../lib/errors.ts';
import type { Cause } from './changes.ts';
import type { Receipt } from './receipts.ts';
import type { ComputedWith, Timings } from './run-facts.ts';
import { type ExpansionState, isEnd, isLegal } from './states.ts';
import { turnOf } from './turns.ts';
import type { Excluded, ExpansionResult, Pins, Reason } from './types.ts';

export interface ExpansionRules {
  /** Minimum number of known seeds; with fewer, an expansion ends as `too_small`. */
  readonly minimumSeeds: number;
  /** How long a job is leased by a claim or a renewal. */
  readonly leaseMs: number;
  /** Maximum number of attempts that fail, and maximum number of attempts whose engine dies. */
  readonly maximumAttempts: number;
}

const FIRST_PAUSE_MS = 500;

/** How long work waits after its n-th failure, or after its n-th death: 15 s in total before the fifth. */
export function pauseMs(times: number): number {
  return FIRST_PAUSE_MS * times ** 2;
}

/** How long a job waits if its attempt fails now. */
export function retryDelayMs({ attempt, deaths }: Pick<RunningExpansion, 'attempt' | 'deaths'>): number {
  return pauseMs(attempt - deaths);
}

/**
 * Whether an engine runs this expansion without any others. Engines have died while they worked on it, so it may be the
 * cause. If it is, no other expansion is charged with the next death.
 */
export function runsAlone({ deaths }: Pick<RunningExpansion, 'deaths'>): boolean {
  return deaths > 0;
}

/** A running or queued expansion, with its job. */
export interface RunningExpansion {
  readonly state: ExpansionState;
  readonly progress: number;
  readonly startedAt: number | null;
  readonly pins: Pins | null;
  /** Number of claims so far, excluding claims that were given back on purpose. */
  readonly attempt: number;
  /** Number of attempts that ended because their engine died. The other past attempts failed. */
  readonly deaths: number;
  /** The token of the last claim. */
  readonly token: number;
  readonly leaseUntil: number | null;
}

export type ExpansionCommand =
  | { readonly kind: 'claim'; readonly owner: string }
  | { readonly kind: 'renew' }
  | { readonly kind: 'pin'; readonly pins: Pins }
  | { readonly kind: 'advance'; readonly state?: 'adapting' | 'scoring'; readonly progress?: number }
  | { readonly kind: 'finish'; readonly result: Omit<ExpansionResult, 'folder' | 'populationSize'> }
  | {
      readonly kind: 'end';
      readonly state: 'too_small' | 'failed';
      readonly reason: Reason;
      readonly timings?: Timings | undefined;
    }
  | { readonly kind: 'retry'; readonly reason: Reason; readonly delayMs: number }
  /**
   * The owner of the job died or was stopped on purpose. `wasWorking` says whether the owner was working on this job
   * when it died; null if unknown.
   */
  | { readonly kind: 'release'; readonly how: 'died' | 'stopped'; readonly wasWorking?: boolean | null }
  /** The lease of the job may have expired. */
  | { readonly kind: 'expire' }
  | { readonly kind: 'stop'; readonly state: 'cancelled' | 'superseded' };

/** The changed fields of an expansion; other fields keep their values. */
export interface ExpansionChange {
  readonly state?: ExpansionState;
  readonly reason?: Reason | null;
  readonly progress?: number;
  readonly startedAt?: number;
  readonly updatedAt?: number;
  readonly modelVersion?: string;
  readonly populationVersion?: string;
  readonly excluded?: Excluded;
  readonly timings?: Timings | undefined;
  readonly computedWith?: ComputedWith;
  readonly quality?: Readonly<Record<string, unknown>>;
  readonly receipt?: Receipt;
}

/** The changed fields of a job; other fields keep their values. */
export interface JobChange {
  readonly owner?: string | null;
  readonly leaseUntil?: number | null;
  readonly runAfter?: number;
  readonly attempt?: number;
  readonly deaths?: number;
  readonly token?: number;
}

/** The changes to an expansion and its job, which a store writes in one transaction. */
export interface ExpansionEffects {
  readonly expansion: ExpansionChange;
  /** The changed fields of the job; `removed` if the expansion ends. */
  readonly job: JobChange | 'removed';
  /** Whether webhooks are notified that the expansion ended. */
  readonly isTold: boolean;
}

/**
 * Decides what a command changes. A step that is not in `TRANSITIONS` is a bug, and so is finishing an expansion
 * without pins.
 */
export function decide(
  running: RunningExpansion,
  command: ExpansionCommand,
  { leaseMs, maximumAttempts }: ExpansionRules,
  now: number,
): ExpansionEffects {
  const { attempt, leaseUntil } = running;
  const deaths = running.deaths + 1; // if the engine of this attempt dies
  const giveUp = (): ExpansionEffects => {
    const message = `the engine died in ${deaths} of ${attempt} attempts`;
    return end(running, 'failed', now, { reason: { code: 'crashed', message, attempts: attempt } });
  };
  switch (command.kind) {
    case 'claim': {
      // a lease that was not released has expired, so its owner counts as dead
      const isDeath = leaseUntil !== null && isCharged(running);
      return {
        ...step(running, 'queued', now),
        job: {
          owner: command.owner,
          leaseUntil: now + leaseMs,
          attempt: leaseUntil === null || isDeath ? attempt + 1 : attempt,
          token: running.token + 1,
          ...(isDeath && { deaths }),
        },
      };
    }
    case 'renew':
      // a renewal never shortens the lease, because a clock correction may change the stored times before it changes
      // the owner's clock
      return { ...NOTHING, job: { leaseUntil: Math.max(leaseUntil ?? 0, now + leaseMs) } };
    case 'pin':
      return running.pins === null ? { ...NOTHING, expansion: { ...command.pins, updatedAt: now } } : NOTHING;
    case 'advance':
      return step(running, command.state ?? running.state, now, { progress: command.progress ?? 0 });
    case 'finish': {
      const { candidates, excluded, timings, computedWith, quality, receipt } = command.result;
      assert(candidates >= 1, 'a ranking without candidates is not an audience');
      const ended = end(running, 'ready', now, { progress: 1, excluded, timings, computedWith, quality, receipt });
      assert(running.pins !== null, 'an expansion is pinned before it is finished');
      return ended;
    }
    case 'end':
      return end(running, command.state, now, { reason: command.reason, timings: command.timings });
    case 'retry':
      return attempt - running.deaths >= maximumAttempts
        ? end(running, 'failed', now, { reason: command.reason })
        : requeue(running, now, now + command.delayMs, command.reason);
    case 'release':
      if (command.how === 'stopped' || !isCharged(running, command.wasWorking))
        return requeue(running, now, now, null, { attempt: attempt - 1 });
      return deaths >= maximumAttempts ? giveUp() : requeue(running, now, now + pauseMs(deaths), null, { deaths });
    case 'expire':
      // other deaths are counted by the next claim, because until then the owner may renew the lease
      return deaths >= maximumAttempts && leaseUntil !== null && leaseUntil <= now && isCharged(running)
        ? giveUp()
        : NOTHING;
    case 'stop':
      return { ...end(running, command.state, now), isTold: false };
    default:
      return unreachable(command);
  }
}

/**
 * Whether the death of the owner counts against a job. If it is unknown what the owner was working on, the death counts
 * against every job that the owner had begun.
 */
function isCharged({ state }: RunningExpansion, wasWorking: boolean | null = null): boolean {
  return wasWorking ?? state !== 'queued';
}

const NOTHING: ExpansionEffects = { expansion: {}, job: {}, isTold: false };

/**
 * Moves the expansion to another state, or leaves its state unchanged. Progress never decreases. Unless `facts` has a
 * reason, the earlier reason is cleared.
 */
function step(
  running: RunningExpansion,
  to: ExpansionState,
  now: number,
  { progress = 0, ...facts }: ExpansionChange = {},
): ExpansionEffects {
  const { state, startedAt } = running;
  assert(state === to || isLegal(state, to), `an expansion never goes from ${state} to ${to}`);
  const change = {
    ...{ state: to, reason: null, updatedAt: now, ...facts },
    progress: Math.min(1, Math.max(running.progress, progress)),
    ...(to === 'adapting' && startedAt === null && { startedAt: now }),
  };
  return { expansion: change, job: {}, isTold: false };
}

function end(running: RunningExpansion, to: ExpansionState, now: number, facts?: ExpansionChange): ExpansionEffects {
  return { ...step(running, to, now, facts), job: 'removed', isTold: true };
}

/** Gives the lease back; the job keeps its place in the queue. */
function requeue(
  running: RunningExpansion,
  now: number,
  runAfter: number,
  reason: Reason | null,
  change: JobChange = {},
): ExpansionEffects {
  const job = { owner: null, leaseUntil: null, runAfter, ...change };
  return { ...step(running, 'queued', now, { reason }), job };
}

/**
 * Returns the command that cancels an expansion in this state; `null` if the expansion is already cancelled.
 * @throws AppError expansion_ended (facts: state)
 */
export function cancelling(state: ExpansionState): Extract<ExpansionCommand, { readonly kind: 'stop' }> | null {
  if (!isEnd(state)) return { kind: 'stop', state: 'cancelled' };
  if (state === 'cancelled') return null;
  throw new AppError('expansion_ended', `the expansion is already ${state}`, { facts: { state } });
}

/** The facts about a campaign that are needed when an expansion is requested. */
export interface ExpansionRequest {
  readonly cause: Cause;
  /** Whether the campaign has an expansion that has not ended. */
  readonly isRunning: boolean;
  /** Number of known seeds of the campaign when they were last counted; `null` if the campaign has no seeds. */
  readonly knownSeeds: number | null;
  /** Number of users that feedback adds to the seeds. */
  readonly positives: number;
}

/** A new expansion, and what happens to the campaign's running expansion. */
export interface NewExpansion {
  readonly supersedes: boolean;
  readonly state: 'queued' | 'too_small';
  readonly reason: Reason | null;
  /** The expansion's turn in the queue: see `turnOf`. */
  readonly turn: number;
}

/**
 * Decides what happens when an expansion is requested. A caller's request supersedes the running expansion. A refresh
 * policy's request has no effect (`null`) while an expansion is running. The known seeds are checked here only for a
 * new campaign, whose seeds have just been counted; otherwise the engine checks them.
 * @throws AppError no_seeds
 */
export function decideExpansion(
  { cause, isRunning, knownSeeds, positives }: ExpansionRequest,
  { minimumSeeds }: Pick<ExpansionRules, 'minimumSeeds'>,
  now: number,
): NewExpansion | null {
  if (knownSeeds === null) throw noSeeds();
  if (isRunning && cause !== 'requested') return null;
  const reason = cause === 'created' && knownSeeds < minimumSeeds ? tooFewSeeds(knownSeeds, minimumSeeds) : null;
  const turn = turnOf({ queuedAt: now, cause, seeds: knownSeeds + positives });
  return { supersedes: isRunning, state: reason === null ? 'queued' : 'too_small', reason, turn };
}

function tooFewSeeds(known: number, minimum: number): Reason {
  const message = `${known} of the seeds are in the population; at least ${minimum} are needed`;
  return { code: 'too_few_seeds', message, known, minimum };
}

export function noSeeds(): AppError {
  return new AppError('no_seeds', 'the campaign has no seeds yet; send seeds first');
}
