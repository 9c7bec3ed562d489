import { expect, it } from 'vitest';
import { Pace, WorkTime } from '../../src/engine/expansion/work-time.ts';

it('a pace learns how the work of expansions divides', () => {
  const pace = new Pace();
  const sum = () => Object.values(pace.shares).reduce((total, share) => total + share, 0);
  expect(sum()).toBeCloseTo(1, 9);
  pace.learn({ adapting: 0, reporting: 0, scoring: 0 });
  const first = pace.shares;
  pace.learn({ adapting: 3, reporting: 0, scoring: 1 });
  expect(pace.shares.adapting).toBeGreaterThan(first.adapting);
  for (let i = 0; i < 50; i++) pace.learn({ adapting: 3, reporting: 0, scoring: 1 });
  expect(pace.shares.adapting).toBeCloseTo(0.75, 3);
  expect(sum()).toBeCloseTo(1, 9);
});

it('the time of work is that in which threads do it, not that in which it waits for one', () => {
  let now = 0;
  const time = new WorkTime({ elapsed: () => now }, { begin() {}, end() {} });
  const customise = time.task();
  now = 5000;
  customise.begin();
  now = 6000;
  customise.pass('adapting');
  const segment = time.task();
  now = 6500;
  segment.begin();
  now = 7000;
  segment.pass('scoring');
  now = 8000;
  customise.pass('reporting');
  expect(time.seconds).toEqual({ adapting: 1, reporting: 2, scoring: 0.5 });
});
