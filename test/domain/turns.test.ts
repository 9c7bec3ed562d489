/**
 * The order of the queue: random histories of arrivals, and of workers whose time depends on the number of seeds. No
 * expansion starves, each waits for a bounded amount of work, and small ones do not wait for large ones that have not
 * begun.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cause } from '../../src/domain/changes.ts';
import { MOST_PATIENCE_MS, turnOf } from '../../src/domain/turns.ts';

/** About as long as an expansion takes on two cores. */
const serviceMs = (seeds: number) => 1000 + 10 * seeds;

const arrivals = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.nat(5_000), fc.nat(MOST_PATIENCE_MS)),
    // `population`: a new version is served, and all campaigns are expanded again
    what: fc.constantFrom('small', 'small', 'large', 'large', 'population'),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
);

interface Queued {
  readonly seeds: number;
  readonly queuedAt: number;
  readonly turn: number;
  claimedAt: number;
}

/** A queue whose workers take the next expansion as soon as they are done. */
class Queue {
  readonly all: Queued[] = [];
  /** When each worker is free. */
  readonly workers: number[];
  now = 0;

  constructor(workers: number) {
    this.workers = Array(workers).fill(0);
  }

  add(cause: Cause, seeds: number): void {
    const turn = turnOf({ queuedAt: this.now, cause, seeds });
    this.all.push({ seeds, queuedAt: this.now, turn, claimedAt: Number.POSITIVE_INFINITY });
  }

  passUntil(time: number): void {
    for (;;) {
      const waiting = this.all.filter(({ claimedAt }) => claimedAt === Number.POSITIVE_INFINITY);
      const at = Math.max(this.now, Math.min(...this.workers));
      if (waiting.length === 0 || at > time) break;
      this.now = at;
      const next = waiting.reduce((first, one) => (one.turn < first.turn ? one : first));
      next.claimedAt = at;
      this.workers[this.workers.indexOf(Math.min(...this.workers))] = at + serviceMs(next.seeds);
    }
    if (Number.isFinite(time)) this.now = Math.max(this.now, time);
  }
}

describe('turnOf', () => {
  it('lets no expansion starve, whatever is queued, and bounds the wait of each', () => {
    fc.assert(
      fc.property(arrivals, fc.constantFrom(1, 2, 3), (history, workers) => {
        const queue = new Queue(workers);
        const campaigns: number[] = [];
        for (const { afterMs, what } of history) {
          queue.passUntil(queue.now + afterMs);
          if (what === 'population') for (const seeds of campaigns) queue.add('population', seeds);
          else campaigns.push(what === 'small' ? 10 : 600);
          if (what !== 'population') queue.add('created', campaigns.at(-1)!);
        }
        queue.passUntil(Number.POSITIVE_INFINITY);
        for (const one of queue.all) check(one, queue);
      }),
      { numRuns: 200 },
    );
  });

  function check(one: Queued, { all, workers }: Queue): void {
    expect(one.claimedAt).toBeLessThan(Number.POSITIVE_INFINITY);
    const before = all.filter((other) => other !== one && other.queuedAt <= one.turn);
    const work = before.reduce((sum, { seeds }) => sum + serviceMs(seeds), 0);
    // none waits longer than all workers need for the expansions queued before its turn
    expect(one.claimedAt - one.queuedAt).toBeLessThanOrEqual(work / workers.length);
    for (const other of all) {
      const isWaiting = one.queuedAt <= other.claimedAt && other.claimedAt < one.claimedAt;
      if (isWaiting) expect(other.queuedAt - one.queuedAt).toBeLessThanOrEqual(MOST_PATIENCE_MS);
    }
  }

  it('lets a small one go before large ones until those have waited for their patience', () => {
    const large = turnOf({ queuedAt: 0, cause: 'created', seeds: 600 });
    expect(turnOf({ queuedAt: 1_000, cause: 'created', seeds: 10 })).toBeLessThan(large);
    expect(turnOf({ queuedAt: 59_001, cause: 'created', seeds: 10 })).toBeGreaterThan(large);
  });

  it('lets requested expansions go before refreshes for half an hour', () => {
    const refresh = turnOf({ queuedAt: 0, cause: 'population', seeds: 10 });
    expect(turnOf({ queuedAt: 1_799_999, cause: 'requested', seeds: 10 })).toBeLessThan(refresh);
    expect(turnOf({ queuedAt: 1_800_001, cause: 'created', seeds: 10 })).toBeGreaterThan(refresh);
  });
});
