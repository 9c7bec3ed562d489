/** The clock, the activities and the shared resources of the simulation. */
import { describe, expect, it } from 'vitest';
import { SharedResource } from './shared-resource.ts';
import { type Activity, all, first, Moment, Scope, VirtualTime } from './virtual-time.ts';

const MOST = 10_000;

/** Runs one activity to its end; returns the time then. */
function run(time: VirtualTime, scope: Scope, activity: Activity): number {
  const done = time.start(scope, activity);
  time.run(() => done.hasHappened, MOST);
  return time.now;
}

describe('VirtualTime', () => {
  it('runs events in the order of their times, and those of the same time as planned', () => {
    const time = new VirtualTime();
    const seen: string[] = [];
    const delays = [3, 1, 2, 1, 0, 3, 2, 0];
    for (const [i, delay] of delays.entries()) time.plan(delay, () => seen.push(`${delay} ${i}`));
    time.run(() => seen.length === delays.length, MOST);
    expect(seen).toEqual(['0 4', '0 7', '1 1', '1 3', '2 2', '2 6', '3 0', '3 5']);
    expect(time.now).toBe(3);
  });

  it('lets activities wait for times, for each other, for all and for the first', () => {
    const time = new VirtualTime();
    const scope = new Scope();
    const seen: (string | number)[] = [];
    function* wait(seconds: number): Activity {
      yield time.wait(seconds);
      seen.push(seconds);
    }
    function* main(): Activity {
      yield all([time.start(scope, wait(2)), time.start(scope, wait(1)), all([])]);
      seen.push(`all at ${time.now}`);
      yield first([time.start(scope, wait(9)), time.start(scope, wait(4))]);
      seen.push(`first at ${time.now}`);
    }
    run(time, scope, main());
    expect(seen).toEqual([1, 2, 'all at 2', 4, 'first at 6']);
  });

  it('stops the activities of a scope and of its children where they are', () => {
    const time = new VirtualTime();
    const [parent, other] = [new Scope(), new Scope()];
    const child = parent.child();
    const seen: string[] = [];
    function* tick(name: string): Activity {
      for (let i = 0; i < 4; i++) {
        yield time.wait(1);
        seen.push(`${name} ${time.now}`);
      }
    }
    time.start(child, tick('child'));
    time.start(parent, tick('parent'));
    time.plan(1.5, () => child.end());
    time.plan(2.5, () => parent.end());
    run(time, other, tick('other'));
    expect(seen).toEqual(['child 1', 'parent 1', 'other 1', 'parent 2', 'other 2', 'other 3', 'other 4']);
    expect(parent.child().isOver).toBe(true);
  });

  it('refuses to go on if nothing is planned, or without an end', () => {
    const time = new VirtualTime();
    expect(() => time.run(() => false, MOST)).toThrow('nothing happens any more');
    const again = () => time.plan(1, again);
    again();
    expect(() => time.run(() => false, MOST)).toThrow('still not over after 10000 events');
  });
});

describe('SharedResource', () => {
  const timesOf = (capacity: number, uses: readonly (readonly [amount: number, most: number])[]) => {
    const time = new VirtualTime();
    const resource = new SharedResource(time, capacity);
    const ends: number[] = [];
    const scope = new Scope();
    for (const [i, [amount, most]] of uses.entries())
      resource.use(scope, amount, most).whenHappened(() => {
        ends[i] = time.now;
      });
    time.run(() => ends.filter((end) => end !== undefined).length === uses.length, MOST);
    return { ends, used: resource.used };
  };

  it('serves one use at its own maximum, and several with equal shares', () => {
    expect(timesOf(4, [[8, 2]]).ends).toEqual([4]);
    expect(timesOf(4, [[8, 8]]).ends).toEqual([2]);
    // both at 2, then the second alone at 4: 4 / 2, and (12 - 4) / 4 more
    expect(
      timesOf(4, [
        [4, 4],
        [12, 4],
      ]).ends,
    ).toEqual([2, 4]); // prettier-ignore
  });

  it('gives to others what a use cannot take', () => {
    // 1 and 3 of 4
    expect(
      timesOf(4, [
        [10, 1],
        [30, 4],
      ]),
    ).toEqual({ ends: [10, 10], used: 40 }); // prettier-ignore
  });

  it('takes no time if it has no limit, or for nothing', () => {
    const infinite = Number.POSITIVE_INFINITY;
    expect(
      timesOf(infinite, [
        [8, infinite],
        [0, 1],
      ]).ends,
    ).toEqual([0, 0]); // prettier-ignore
  });

  it('gives the share of a use whose scope ends to the others, and counts what it used', () => {
    const time = new VirtualTime();
    const resource = new SharedResource(time, 2);
    const [one, other] = [new Scope(), new Scope()];
    const lost = resource.use(one, 100, 2);
    const kept = resource.use(other, 10, 2);
    time.plan(4, () => one.end());
    time.run(() => kept.hasHappened, MOST);
    // 4 s at 1, then 6 at 2
    expect([time.now, resource.used, lost.hasHappened]).toEqual([7, 14, false]);
    expect(new Moment().hasHappened).toBe(false);
  });
});
