/**
 * Random histories of an expansion and its job, with a clock set by hand and a store of one row: one owner at a time,
 * only legal steps, progress never decreases, attempts are bounded, and nothing is lost before it has ended.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cancelling,
  decide,
  decideExpansion,
  type ExpansionCommand,
  pauseMs,
  retryDelayMs,
  runsAlone,
} from '../../src/domain/expansions.ts';
import { EXPANSION_STATES, type ExpansionState, isEnd, isLegal } from '../../src/domain/states.ts';
import { MOST_PATIENCE_MS } from '../../src/domain/turns.ts';
import { applied, type ExpansionRow, isFree, queuedRow, RULES } from './contract/expansion-row.ts';
import { LEASE_MS, PINS, resultOf } from './contract/inputs.ts';

const REASON = { code: 'storage_failed', message: 'the disk is full' };
const NOW = 1_700_000_000_000;

const QUEUED = queuedRow(NOW);

const commands: fc.Arbitrary<ExpansionCommand> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim'), owner: fc.constantFrom('1:a', '2:b') }) },
  fc.constant({ kind: 'renew' }),
  fc.constantFrom('model-1', 'model-2').map((modelVersion) => ({ kind: 'pin', pins: { ...PINS, modelVersion } })),
  { weight: 3, arbitrary: fc.constantFrom('adapting', 'scoring').map((state) => ({ kind: 'advance', state })) },
  fc.double({ min: -1, max: 2, noNaN: true }).map((progress) => ({ kind: 'advance', progress })),
  fc.constant({ kind: 'finish', result: resultOf() }),
  fc.constant({ kind: 'end', state: 'failed', reason: REASON }),
  fc.nat(LEASE_MS).map((delayMs) => ({ kind: 'retry', reason: REASON, delayMs })),
  fc.constantFrom('died', 'stopped').map((how) => ({ kind: 'release', how })),
  fc.boolean().map((wasWorking) => ({ kind: 'release', how: 'died', wasWorking })),
  { weight: 2, arbitrary: fc.constant({ kind: 'expire' }) },
  fc.constantFrom('cancelled', 'superseded').map((state) => ({ kind: 'stop', state })),
) as fc.Arbitrary<ExpansionCommand>;

const histories = fc.array(fc.tuple(fc.constantFrom(0, 1, LEASE_MS / 2, LEASE_MS), commands), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
});

/** What a store checks before it decides: who may send a command, and when. */
function isAllowed(rows: ExpansionRow, { kind, ...command }: ExpansionCommand, now: number): boolean {
  if (!rows.hasJob) return false;
  if (kind === 'claim') return isFree(rows, now);
  if (kind === 'expire' || kind === 'stop') return true;
  if (rows.owner === null) return false;
  const to = kind === 'finish' ? 'ready' : 'state' in command ? command.state : undefined;
  return to === undefined || rows.state === to || isLegal(rows.state, to);
}

/** Whether a command says that the owner of a job died while it worked on the job. */
function isDeath({ leaseUntil, state }: ExpansionRow, command: ExpansionCommand): boolean {
  if (command.kind === 'claim') return leaseUntil !== null && state !== 'queued';
  return command.kind === 'release' && command.how === 'died' && (command.wasWorking ?? state !== 'queued');
}

function check(before: ExpansionRow, after: ExpansionRow, command: ExpansionCommand, now: number): void {
  expect(after.state === before.state || isLegal(before.state, after.state)).toBe(true);
  expect(after.progress).toBeGreaterThanOrEqual(before.progress);
  expect(after.progress).toBeLessThanOrEqual(1);
  expect(after.hasJob).toBe(!isEnd(after.state));
  // this attempt may still fail or die
  expect(after.attempt - after.deaths).toBeLessThanOrEqual(RULES.maximumAttempts);
  expect(after.deaths).toBeLessThan(RULES.maximumAttempts);
  expect(after.deaths - before.deaths).toBe(after.hasJob && isDeath(before, command) ? 1 : 0);
  expect(after.token - before.token).toBe(command.kind === 'claim' ? 1 : 0);
  if (before.pins !== null) expect(after.pins).toEqual(before.pins);
  if (before.startedAt !== null) expect(after.startedAt).toBe(before.startedAt);
  const isSilent = after.hasJob || after.state === 'cancelled' || after.state === 'superseded';
  expect(after.told).toBe(isSilent ? 0 : 1);
  if (after.hasJob) expect(after.owner === null).toBe(after.leaseUntil === null);
  if (command.kind === 'claim')
    expect(after).toMatchObject({ state: 'queued', owner: command.owner, leaseUntil: now + LEASE_MS, reason: null });
}

describe('decide', () => {
  it('keeps its promises over random histories', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let rows = QUEUED;
        let now = NOW;
        for (const [ms, command] of history) {
          now += ms;
          if (!isAllowed(rows, command, now)) continue;
          // before a claim, jobs without attempts left are failed, as in a store
          if (command.kind === 'claim') rows = applied(rows, decide(rows, { kind: 'expire' }, RULES, now));
          if (!rows.hasJob) continue;
          const isUnpinned = command.kind === 'finish' && rows.pins === null;
          if (isUnpinned) expect(() => decide(rows, command, RULES, now)).toThrow('is pinned before it is finished');
          if (isUnpinned) continue;
          const after = applied(rows, decide(rows, command, RULES, now));
          check(rows, after, command, now);
          rows = after;
        }
        drain(rows, now);
      }),
      { numRuns: 500 },
    );
  });

  /** An engine that works until the expansion has ended. */
  function drain(rows: ExpansionRow, now: number): void {
    const run = (command: ExpansionCommand) => {
      rows = applied(rows, decide(rows, command, RULES, now + 2 * LEASE_MS));
    };
    if (rows.hasJob) run({ kind: 'expire' });
    if (!rows.hasJob) return;
    run({ kind: 'claim', owner: '3:c' });
    run({ kind: 'pin', pins: PINS });
    for (const state of ['adapting', 'scoring'] as const) run({ kind: 'advance', state });
    run({ kind: 'finish', result: resultOf() });
    expect(rows).toMatchObject({ state: 'ready', progress: 1, hasJob: false, told: 1 });
  }

  it('treats a step that is not in the table as a bug', () => {
    for (const from of EXPANSION_STATES)
      for (const to of ['adapting', 'scoring'] as const) {
        const advance = () => decide({ ...QUEUED, state: from }, { kind: 'advance', state: to }, RULES, NOW);
        if (from === to || isLegal(from, to)) expect(advance).not.toThrow();
        else expect(advance).toThrow(`never goes from ${from} to ${to}`);
      }
  });

  it('fails after the last death, and counts no attempt of an engine that was stopped', () => {
    const last = { ...QUEUED, state: 'adapting', attempt: 5, deaths: 2, owner: '1:a', leaseUntil: NOW } as const;
    const message = 'the engine died in 3 of 5 attempts';
    const crashed = { state: 'failed', reason: { code: 'crashed', message, attempts: 5 } };
    for (const command of [{ kind: 'expire' }, { kind: 'release', how: 'died' }] as const)
      expect(decide(last, command, RULES, NOW)).toMatchObject({ expansion: crashed, job: 'removed', isTold: true });
    expect(decide(last, { kind: 'expire' }, RULES, NOW - 1)).toEqual({ expansion: {}, job: {}, isTold: false });
    const stopped = decide(last, { kind: 'release', how: 'stopped' }, RULES, NOW);
    expect(stopped).toMatchObject({ expansion: { state: 'queued', reason: null } });
    expect(stopped.job).toEqual({ attempt: 4, owner: null, leaseUntil: null, runAfter: NOW });
  });

  it('counts a death once, by a release or by the next claim after the lease has expired', () => {
    const held = { ...QUEUED, state: 'adapting', attempt: 1, token: 1, owner: '1:a', leaseUntil: NOW } as const;
    const claim = { kind: 'claim', owner: '2:b' } as const;
    expect(decide(held, { kind: 'expire' }, RULES, NOW).job).toEqual({});
    expect(decide(held, { kind: 'renew' }, RULES, NOW).job).toEqual({ leaseUntil: NOW + LEASE_MS });
    expect(decide(held, claim, RULES, NOW).job).toMatchObject({ attempt: 2, deaths: 1 });
    const released = applied(held, decide(held, { kind: 'release', how: 'died' }, RULES, NOW));
    expect(released).toMatchObject({ attempt: 1, deaths: 1, runAfter: NOW + pauseMs(1) });
    expect(applied(released, decide(released, claim, RULES, NOW))).toMatchObject({ attempt: 2, deaths: 1 });
  });

  it('gives the attempt back if the engine that died was not working on it, or had not begun as far as is known', () => {
    const held = { ...QUEUED, state: 'adapting', attempt: 2, deaths: 1, owner: '1:a', leaseUntil: NOW } as const;
    const idle = { kind: 'release', how: 'died', wasWorking: false } as const;
    expect(decide(held, idle, RULES, NOW).job).toEqual({ attempt: 1, owner: null, leaseUntil: null, runAfter: NOW });
    const claimed = { ...held, state: 'queued' } as const;
    expect(decide(claimed, { kind: 'release', how: 'died' }, RULES, NOW).job).toMatchObject({ attempt: 1 });
    expect(decide(claimed, { ...idle, wasWorking: true }, RULES, NOW).job).toEqual({
      ...{ deaths: 2, owner: null, leaseUntil: null, runAfter: NOW + pauseMs(2) },
    });
    const expired = applied(claimed, decide(claimed, { kind: 'claim', owner: '2:b' }, RULES, NOW));
    expect(expired).toMatchObject({ attempt: 2, deaths: 1, owner: '2:b' });
  });

  it('retries after the delay with the reason shown, and fails with it at the last failure', () => {
    const held = { ...QUEUED, state: 'scoring', attempt: 4, deaths: 2, owner: '1:a', leaseUntil: NOW } as const;
    const retry = { kind: 'retry', reason: REASON, delayMs: 500 } as const;
    expect(decide(held, retry, RULES, NOW)).toMatchObject({
      expansion: { state: 'queued', reason: REASON },
      job: { owner: null, runAfter: NOW + 500 },
    });
    expect(decide({ ...held, attempt: 5 }, retry, RULES, NOW)).toMatchObject({
      expansion: { state: 'failed', reason: REASON },
      job: 'removed',
    });
  });

  it('waits longer after each failure, however often engines die in between', () => {
    const delays = [1, 2, 3, 4].flatMap((failures) =>
      [0, 1, 4].map((deaths) => retryDelayMs({ attempt: failures + deaths, deaths })),
    );
    expect([...new Set(delays)]).toEqual([500, 2000, 4500, 8000]);
  });

  it('never shortens a lease', () => {
    const held = { ...QUEUED, leaseUntil: NOW + 2 * LEASE_MS };
    expect(decide(held, { kind: 'renew' }, RULES, NOW).job).toEqual({ leaseUntil: NOW + 2 * LEASE_MS });
    expect(decide(held, { kind: 'renew' }, RULES, NOW + 2 * LEASE_MS).job).toEqual({ leaseUntil: NOW + 3 * LEASE_MS });
  });
});

/** Engines that work by the rules of `src/engine` until all expansions have ended. */
class Engines {
  now = NOW;
  readonly rows: ExpansionRow[];

  constructor(count: number) {
    this.rows = Array.from({ length: count }, () => QUEUED);
  }

  apply(i: number, command: ExpansionCommand): void {
    this.rows[i] = applied(this.rows[i]!, decide(this.rows[i]!, command, RULES, this.now));
  }

  /**
   * The life of one engine: it dies as soon as it works on a guilty expansion, or by itself once it has finished
   * `most`. `choose` picks one of the given number of things. If `isKnown`, it has reported on what its threads worked.
   */
  run(
    {
      guilty,
      threads,
      most,
      isKnown,
    }: { guilty: ReadonlySet<number>; threads: number; most: number; isKnown: boolean },
    choose: (count: number) => number,
  ): void {
    const held: number[] = [];
    for (let finished = 0; ; ) {
      while (held.length < 4 * threads && !held.some((i) => runsAlone(this.rows[i]!))) {
        const next = this.rows.findIndex((row) => isFree(row, this.now));
        if (next < 0) break;
        this.apply(next, { kind: 'claim', owner: 'engine' });
        held.push(next);
      }
      const others = held.filter((i) => !runsAlone(this.rows[i]!));
      const begun = others.length > 0 ? others : held;
      if (begun.length === 0) return;
      for (const i of begun)
        if (this.rows[i]!.state === 'queued') this.apply(i, { kind: 'advance', state: 'adapting' });
      const waiting = [...begun];
      const working = new Set<number>();
      while (working.size < threads && waiting.length > 0) working.add(waiting.splice(choose(waiting.length), 1)[0]!);
      if (finished === most || [...working].some((i) => guilty.has(i))) {
        for (const i of held)
          this.apply(i, { kind: 'release', how: 'died', wasWorking: isKnown ? working.has(i) : null });
        return;
      }
      const [done] = working as ReadonlySet<number> & Iterable<number>;
      this.apply(done!, { kind: 'pin', pins: PINS });
      this.apply(done!, { kind: 'advance', state: 'scoring' });
      this.apply(done!, { kind: 'finish', result: resultOf() });
      held.splice(held.indexOf(done!), 1);
      finished += 1;
    }
  }

  /** Passes the time until an expansion can be claimed; false if all have ended. */
  pass(): boolean {
    const times = this.rows.filter(({ hasJob }) => hasJob).map(({ runAfter }) => runAfter);
    this.now = Math.max(this.now + 1, Math.min(...times));
    return times.length > 0;
  }
}

describe('engines that die', () => {
  const engines = { threads: fc.integer({ min: 1, max: 4 }), isKnown: fc.boolean() };

  it('fail only the expansions that kill them, after all their attempts, and the others become ready', () => {
    fc.assert(
      fc.property(
        ...[
          fc.integer({ min: 1, max: 30 }),
          fc.uniqueArray(fc.nat(29), { maxLength: 6 }),
          fc.record(engines),
          fc.gen(),
        ],
        (count, killers, engine, gen) => {
          const guilty = new Set(killers);
          const world = new Engines(count);
          for (let lives = 0; world.pass(); lives++) {
            expect(lives).toBeLessThan(10 * (count + killers.length * RULES.maximumAttempts));
            world.run({ ...engine, guilty, most: Number.POSITIVE_INFINITY }, (most) => gen(fc.nat, { max: most - 1 }));
          }
          for (const [i, { state, deaths }] of world.rows.entries()) {
            expect(state).toBe(guilty.has(i) ? 'failed' : 'ready');
            if (!guilty.has(i)) expect(deaths).toBeLessThanOrEqual(1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('charge each death to at most as many expansions as they have threads, if they report their work', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(3), { minLength: 1 }),
        fc.gen(),
        (threads, lives, gen) => {
          const world = new Engines(30);
          for (const most of lives) {
            const before = [...world.rows];
            world.pass();
            const life = { guilty: new Set<number>(), threads, most, isKnown: true };
            world.run(life, (count) => gen(fc.nat, { max: count - 1 }));
            const charged = world.rows.filter(({ deaths }, i) => deaths > before[i]!.deaths);
            expect(charged.length).toBeLessThanOrEqual(threads);
            for (const { attempt, deaths, hasJob } of world.rows) if (hasJob) expect(attempt).toBe(deaths);
          }
        },
      ),
    );
  });
});

describe('cancelling', () => {
  it('ends a running one, leaves a cancelled one, and refuses the others', () => {
    const outcome = (state: ExpansionState) => {
      try {
        return cancelling(state);
      } catch (error) {
        return (error as { readonly code: string }).code;
      }
    };
    for (const state of EXPANSION_STATES)
      expect(outcome(state)).toEqual(
        state === 'cancelled' ? null : isEnd(state) ? 'expansion_ended' : { kind: 'stop', state: 'cancelled' },
      );
  });
});

describe('decideExpansion', () => {
  const request = { cause: 'requested', isRunning: false, knownSeeds: 3, positives: 0 } as const;

  it('supersedes the running one for a caller, never for a refresh policy', () => {
    expect(decideExpansion({ ...request, isRunning: true }, RULES, NOW)).toMatchObject({ supersedes: true });
    for (const cause of ['interval', 'population', 'change'] as const) {
      expect(decideExpansion({ ...request, cause, isRunning: true }, RULES, NOW)).toBeNull();
      expect(decideExpansion({ ...request, cause }, RULES, NOW)).toMatchObject({ supersedes: false, state: 'queued' });
    }
  });

  it('is too_small at once only for the seeds of a new campaign', () => {
    const few = { ...request, knownSeeds: 1 };
    expect(decideExpansion({ ...few, cause: 'created' }, RULES, NOW)).toMatchObject({
      state: 'too_small',
      reason: { code: 'too_few_seeds', known: 1, minimum: 2 },
    });
    expect(decideExpansion(few, RULES, NOW)).toMatchObject({ state: 'queued', reason: null });
  });

  it('refuses a campaign without seeds', () => {
    expect(() => decideExpansion({ ...request, knownSeeds: null }, RULES, NOW)).toThrow(
      expect.objectContaining({ code: 'no_seeds' }),
    );
  });

  it('sets a turn that is later with more seeds and for refreshes, within bounds', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(20_000), (knownSeeds, positives) => {
        const turnOf = (changes: Partial<Parameters<typeof decideExpansion>[0]>) =>
          decideExpansion({ ...request, knownSeeds, positives, ...changes }, RULES, NOW)!.turn;
        expect(turnOf({})).toBeGreaterThanOrEqual(NOW);
        expect(turnOf({ knownSeeds: knownSeeds + 1 })).toBeGreaterThanOrEqual(turnOf({}));
        expect(turnOf({ cause: 'interval' })).toBeGreaterThan(turnOf({}));
        expect(turnOf({ cause: 'interval' })).toBeLessThanOrEqual(NOW + MOST_PATIENCE_MS);
      }),
    );
  });
});
