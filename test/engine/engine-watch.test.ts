/** When an engine hangs, by what the system tells of it: with a clock and a system of the test's own. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { EngineWatch } from '../../src/engine/engine-watch.ts';
import type { ThreadTimes } from '../../src/lib/threads/thread-times.ts';

/** What an engine does in a second: its state, and milliseconds that it runs and waits for a processor. */
type Second = ThreadTimes;

const stopped: Second = { state: 'T', ranMs: 0, waitedMs: 0 };
const idle: Second = { state: 'S', ranMs: 0, waitedMs: 0 };
const working: Second = { state: 'R', ranMs: 1_000, waitedMs: 0 };
/** Sixteen others want the processor, too. */
const starved: Second = { state: 'R', ranMs: 50, waitedMs: 950 };
/** The system does not even know yet for how long it waits. */
const unserved: Second = { state: 'R', ranMs: 0, waitedMs: 0 };
const onDisk: Second = { state: 'D', ranMs: 0, waitedMs: 0 };

function open({ isTold = true } = {}) {
  let times: ThreadTimes = { state: 'S', ranMs: 0, waitedMs: 0 };
  const clock = { now: 0, elapsed: () => clock.now };
  const reasons: string[] = [];
  const read = (): ThreadTimes | null => (isTold ? times : null);
  const watch = new EngineWatch({ clock, read, onHung: (reason) => reasons.push(reason) });
  watch.follow(1);
  onTestFinished(() => watch.end());
  return {
    watch,
    reasons,
    /** Seconds until it hangs, at most so many; null where it does not. */
    hangsAfter(most: number, second: Second): number | null {
      for (let i = 1; i <= most; i++) {
        const { state, ranMs, waitedMs } = second;
        times = { state, ranMs: times.ranMs + ranMs, waitedMs: times.waitedMs + waitedMs };
        clock.now += 1_000;
        watch.look();
        if (reasons.length > 0) return i;
      }
      return null;
    },
    /** This process itself stands still, as its whole group may. */
    standsStill(seconds: number): void {
      clock.now += seconds * 1_000;
      watch.look();
    },
  };
}

describe('EngineWatch', () => {
  it.each([
    ['was stopped', stopped, 10],
    ['is idle', idle, 15],
    ['works', working, 20],
    ['waits for a disk', onDisk, 20],
  ] as const)('finds within seconds that an engine hangs that gives no sign and %s', (_, second, after) => {
    const { watch, reasons, hangsAfter } = open();
    watch.sign();
    expect(hangsAfter(60, second)).toBe(after);
    expect(hangsAfter(60, second)).toBe(1); // told once
    expect(reasons).toHaveLength(1);
  });

  it('leaves alone one that gives a sign now and then, or has not got a processor', () => {
    const { watch, hangsAfter } = open();
    watch.sign();
    for (let i = 0; i < 10; i++) {
      expect(hangsAfter(14, idle)).toBeNull();
      watch.sign();
    }
    expect(hangsAfter(300, starved)).toBeNull();
    expect(hangsAfter(300, unserved)).toBeNull();
  });

  it('does not count the time in which it stood still itself', () => {
    const { watch, hangsAfter, standsStill } = open();
    watch.sign();
    for (let i = 0; i < 5; i++) {
      standsStill(600);
      expect(hangsAfter(7, stopped)).toBeNull();
      watch.sign();
    }
  });

  it.each([
    [10_000_000, 20],
    [50_000_000, 20],
    [100_000_000, 28],
    [200_000_000, 56],
  ])('finds that an engine of %i users is stuck in a loop after %i s', (users, after) => {
    const { watch, hangsAfter } = open();
    watch.sign(users);
    expect(hangsAfter(100, working)).toBe(after);
  });

  it('gives the start of an engine more time, unless it was stopped', () => {
    const { watch, hangsAfter } = open();
    expect(hangsAfter(100, idle)).toBeNull();
    watch.sign();
    watch.follow(2);
    expect(hangsAfter(300, working)).toBe(120);
    const { hangsAfter: another } = open();
    expect(another(60, stopped)).toBe(10);
  });

  it('gives more time where the system does not say what the engine does', () => {
    const { watch, hangsAfter } = open({ isTold: false });
    watch.sign();
    expect(hangsAfter(300, idle)).toBe(120);
  });

  it('watches no engine after its end', () => {
    const { watch, hangsAfter } = open();
    watch.sign();
    watch.end();
    expect(hangsAfter(60, stopped)).toBeNull();
  });
});
