/**
 * Ranges of distributed expansions: random histories with a clock set by hand, in which at most two engines hold a
 * range, one result counts and nothing is lost; and which ranges are doubled and chosen.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pauseMs } from '../../src/domain/expansions.ts';
import { chooseRanges, findSlow } from '../../src/domain/range-choice.ts';
import {
  claimable,
  decideRange,
  isClaimable,
  NEW_RANGE,
  phaseOf,
  type RangeCommand,
  type RangeState,
  rangeAt,
  rangesOf,
} from '../../src/domain/ranges.ts';
import { migratedDataFolder } from '../storage/sqlite/data-folder.ts';
import { LEASE_MS, PINS } from './contract/inputs.ts';
import { MemoryRanges } from './contract/memory-ranges.ts';
import { describeRanges, withRanges } from './contract/ranges.ts';

const RULES = { leaseMs: LEASE_MS, maximumAttempts: 3 };
const NOW = 1_700_000_000_000;
const RESULT = { candidates: 7, threadSeconds: 0.5, batchSize: 1024 };
const REASON = { code: 'storage_failed', message: 'the disk is full' };
const OWNERS = ['1:a', '2:b', '3:c'];

describe('rangesOf', () => {
  it('covers every segment once, in order', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 12 }), (segments, size) => {
        const covered = rangesOf(segments, size).flatMap(({ from, to }) =>
          Array.from({ length: to - from }, (_, i) => from + i),
        );
        expect(covered).toEqual([...Array(segments).keys()]);
        expect(rangesOf(segments, size).every(({ from, to }) => to > from && to - from <= size)).toBe(true);
      }),
    );
  });
});

const tokens = fc.nat(6);
const commands: fc.Arbitrary<RangeCommand> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim'), owner: fc.constantFrom(...OWNERS) }) },
  fc.record({ kind: fc.constant('renew'), token: tokens }),
  fc.record({ kind: fc.constant('finish'), token: tokens, result: fc.constant(RESULT) }),
  fc.record({ kind: fc.constant('fail'), token: tokens, reason: fc.constant(REASON), delayMs: fc.nat(LEASE_MS) }),
  fc.record({ kind: fc.constant('refuse'), token: tokens }),
  { weight: 2, arbitrary: fc.constant({ kind: 'double' }) },
  fc.record({
    kind: fc.constant('release'),
    owner: fc.constantFrom(...OWNERS),
    how: fc.constantFrom('died', 'stopped'),
  }),
) as fc.Arbitrary<RangeCommand>;

const histories = fc.array(fc.tuple(fc.constantFrom(0, 1, LEASE_MS / 2, LEASE_MS), commands), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
});

function check(before: RangeState, after: RangeState, command: RangeCommand): void {
  expect(after.token - before.token).toBe(command.kind === 'claim' ? 1 : 0);
  expect(after.holders.length).toBeLessThanOrEqual(2);
  expect(new Set(after.holders.map(({ owner }) => owner)).size).toBe(after.holders.length);
  expect(after.holders.every(({ token }) => token >= 1 && token <= after.token)).toBe(true);
  const { from, own, ownFrom } = claimable(after, RULES);
  for (const now of [NOW, NOW + LEASE_MS, NOW + 90 * LEASE_MS])
    for (const owner of OWNERS)
      if (isClaimable(after, owner, RULES, now)) expect(owner === own ? ownFrom : from).toBeLessThanOrEqual(now);
  expect(after.failures).toBeLessThanOrEqual(RULES.maximumAttempts + 1);
  if (before.finished !== null) expect(after).toEqual(before);
  if (after.finished !== null) expect(after.holders).toEqual([]);
}

const claimBy = (owner: string) => ({ kind: 'claim', owner }) as const;

describe('decideRange', () => {
  it('keeps its promises over random histories', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let state = NEW_RANGE;
        let now = NOW;
        for (const [ms, command] of history) {
          now += ms;
          if (command.kind === 'claim' && !isClaimable(state, command.owner, RULES, now)) continue;
          const isRepeated = command.kind === 'finish' && state.finished?.token === command.token;
          const isStale =
            'token' in command &&
            !isRepeated &&
            (state.finished !== null || !state.holders.some(({ token }) => token === command.token));
          const after = decideRange(state, command, RULES, now);
          expect(after === null).toBe(isStale);
          if (after === null) continue;
          check(state, after, command);
          state = after;
        }
        drain(state, now + 2 * LEASE_MS);
      }),
      { numRuns: 500 },
    );
  });

  /** An engine that comes last always finishes the range, unless no attempts are left. */
  function drain(state: RangeState, now: number): void {
    const phase = phaseOf(rangeAt(state, now), RULES);
    expect(phase).not.toBe('running');
    expect(isClaimable(state, '4:d', RULES, now)).toBe(phase === 'waiting');
    if (phase !== 'waiting') return;
    const claimed = decideRange(state, { kind: 'claim', owner: '4:d' }, RULES, now)!;
    const finished = decideRange(claimed, { kind: 'finish', token: claimed.token, result: RESULT }, RULES, now + 9);
    expect(phaseOf(finished!, RULES)).toBe('finished');
    expect(finished!.finished).toEqual({ ...RESULT, owner: '4:d', token: claimed.token, tookMs: 9 });
  }

  it('accepts the result that counts again, because its engine may not have heard the first answer', () => {
    const first = decideRange(NEW_RANGE, claimBy('1:a'), RULES, NOW)!;
    const doubled = decideRange(decideRange(first, { kind: 'double' }, RULES, NOW)!, claimBy('2:b'), RULES, NOW)!;
    const finished = decideRange(doubled, { kind: 'finish', token: first.token, result: RESULT }, RULES, NOW + 9)!;
    const finish = (token: number) => decideRange(finished, { kind: 'finish', token, result: RESULT }, RULES, NOW + 99);
    expect(finish(first.token)).toEqual(finished);
    expect(finish(doubled.token)).toBe(null);
  });

  it('counts deaths and failures apart, so that dying engines use up no attempt of work that failed', () => {
    let state = NEW_RANGE;
    const claim = () => decideRange(state, { kind: 'claim', owner: '1:a' }, RULES, state.runAfter)!;
    for (let i = 0; i < 2; i++) {
      state = decideRange(claim(), { kind: 'release', owner: '1:a', how: 'died' }, RULES, NOW)!;
      expect(state.runAfter).toBe(NOW + pauseMs(i + 1));
      state = claim();
      state = decideRange(state, { kind: 'fail', token: state.token, reason: REASON, delayMs: 0 }, RULES, NOW)!;
    }
    expect([state.deaths, state.failures, phaseOf(state, RULES)]).toEqual([2, 2, 'waiting']);
    state = decideRange(claim(), { kind: 'release', owner: '1:a', how: 'died' }, RULES, NOW)!;
    expect(phaseOf(state, RULES)).toBe('failed');
    const message = 'the engine died in 3 of 5 attempts at a range';
    expect(state.reason).toEqual({ code: 'crashed', message, attempts: 5 });
  });
});

const running = (claimedAt: number): RangeState => ({
  ...NEW_RANGE,
  token: 1,
  holders: [{ owner: '1:a', token: 1, claimedAt, leaseUntil: NOW + LEASE_MS }],
});
const finished = (tookMs: number): RangeState => ({
  ...NEW_RANGE,
  token: 1,
  finished: { ...RESULT, owner: '1:a', token: 1, tookMs },
});

describe('findSlow', () => {
  it('finds ranges that take twice as long as the median, once no range is waiting', () => {
    const ranges = [finished(2000), finished(3000), finished(9000), running(NOW - 6001), running(NOW - 6000)];
    expect(findSlow(ranges, RULES, NOW)).toEqual([3]);
    expect(findSlow([...ranges, NEW_RANGE], RULES, NOW)).toEqual([]);
    expect(findSlow(ranges.slice(3), RULES, NOW)).toEqual([]);
  });

  it('never doubles short work, or a range twice', () => {
    expect(findSlow([finished(10), running(NOW - 1999)], RULES, NOW)).toEqual([]);
    expect(findSlow([finished(10), running(NOW - 2001)], RULES, NOW)).toEqual([1]);
    expect(findSlow([finished(10), { ...running(NOW - 2001), isDoubled: true }], RULES, NOW)).toEqual([]);
  });
});

describe('chooseRanges', () => {
  const offer = (states: readonly RangeState[], changes = {}) => ({
    ...PINS,
    golden: 'golden',
    ranges: rangesOf(states.length, 1).map((range, i) => ({ ...range, state: states[i]! })),
    ...changes,
  });
  const choice = { owner: '9:z', most: 9, refused: [] };

  it('begins with the first expansion, and adds its segments of others with the same versions', () => {
    const offers = [
      offer([finished(1), running(NOW)]),
      offer([running(NOW), NEW_RANGE, NEW_RANGE]),
      offer([NEW_RANGE, NEW_RANGE], { modelVersion: 'model-2' }),
      offer([NEW_RANGE, NEW_RANGE]),
      offer([NEW_RANGE, running(NOW)]),
    ];
    expect(chooseRanges(offers, choice, RULES, NOW)).toEqual([
      [1, 1],
      [3, 1],
    ]);
    expect(chooseRanges(offers, { ...choice, most: 1 }, RULES, NOW)).toEqual([[1, 1]]);
    expect(chooseRanges(offers, { ...choice, refused: ['golden'] }, RULES, NOW)).toEqual([]);
  });

  it('gives a range during which an engine died to an engine that gets no other', () => {
    const suspect = { ...NEW_RANGE, deaths: 1 };
    const offers = [offer([suspect, NEW_RANGE]), offer([NEW_RANGE])];
    expect(chooseRanges(offers, choice, RULES, NOW)).toEqual([[0, 0]]);
    expect(chooseRanges([...offers].reverse(), choice, RULES, NOW)).toEqual([[0, 0]]);
  });
});

describe('ranges in memory', () =>
  describeRanges(
    withRanges(
      migratedDataFolder,
      (store, { clock }) => new MemoryRanges(store, clock, { ...RULES, maximumAttempts: 3 }),
    ),
  ));
