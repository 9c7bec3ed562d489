import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/worker/pace.ts';
import { SharedTime } from '../../src/worker/shared-time.ts';

describe('SharedTime', () => {
  it('gives each of those that run together its part of the time', () => {
    let now = 5000;
    const time = new SharedTime({ elapsed: () => now });
    const first = time.begin();
    now += 1000;
    const second = time.begin();
    now += 4000;
    expect([first.seconds(), second.seconds()]).toEqual([3, 2]);
    first.end();
    now += 1000;
    expect(second.seconds()).toBe(3);
    second.end();
    now += 60_000;
    const third = time.begin();
    now += 500;
    expect(third.seconds()).toBe(0.5);
  });
});

describe('Pace', () => {
  it('learns what share of the time adaptation takes, within bounds', () => {
    const pace = new Pace();
    const first = pace.adaptingShare;
    pace.learn({ queued: 9, finding: 1, adapting: 1, scoring: 1 });
    expect(pace.adaptingShare).toBeGreaterThan(first);
    for (let i = 0; i < 50; i++) pace.learn({ adapting: 1, scoring: 1 });
    expect(pace.adaptingShare).toBeCloseTo(0.5, 3);
    for (let i = 0; i < 50; i++) pace.learn({ adapting: 1, scoring: 0 });
    expect(pace.adaptingShare).toBe(0.9);
    pace.learn({});
    expect(pace.adaptingShare).toBe(0.9);
  });
});
