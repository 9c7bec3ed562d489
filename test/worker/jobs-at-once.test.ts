/** How many expansions run at a time. */
import { describe, expect, it } from 'vitest';
import { jobsAtOnce, mayClaim } from '../../src/worker/jobs-at-once.ts';

describe('jobsAtOnce', () => {
  it.each([
    ['a small population', { threads: 2, users: 200_000, hasSharedPart: true }, 2],
    ['a million users', { threads: 2, users: 1_000_000, hasSharedPart: true }, 16],
    ['memory for few', { threads: 1, users: 10_000_000, hasSharedPart: true }, 1],
    ['memory for some', { threads: 2, users: 3_000_000, hasSharedPart: true }, 5],
    ['a model of which all is adapted', { threads: 4, users: 1_000_000, hasSharedPart: false }, 4],
  ])('suits %s', (_, given, jobs) => {
    expect(jobsAtOnce(given)).toBe(jobs);
  });
});

describe('mayClaim', () => {
  const jobs = (...attempts: number[]) => attempts.map((attempt) => ({ attempt }));

  it('lets any number run that never failed', () => {
    expect(mayClaim(jobs(1, 1, 1, 1), 2)).toBe(true);
  });

  it('lets no more run than there are threads beside one that failed before', () => {
    expect(mayClaim(jobs(2), 2)).toBe(true);
    expect(mayClaim(jobs(1, 2), 2)).toBe(false);
  });
});
