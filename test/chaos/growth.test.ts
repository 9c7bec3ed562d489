import { describe, expect, it } from 'vitest';
import { growthOf, renderSoak, type Sample } from './growth.ts';

const run = { seed: 'a', requests: 1000, errors: [] };

/** Samples of an hour, with the memory that `bytes` gives. */
function hour(bytes: (share: number) => number): Sample[] {
  return Array.from({ length: 240 }, (_, i) => ({
    ...{ seconds: 15 * i, bytes: bytes(i / 240), handles: 60 + (i % 3), files: 100 + (i % 7) },
  }));
}

describe('growth over a soak', () => {
  it('is none where memory rises at the start and then sways', () => {
    const report = growthOf(
      hour((share) => 2e8 + 1e8 * Math.min(1, 4 * share) + 1e7 * Math.sin(99 * share)),
      run,
    );
    expect(report.faults).toEqual([]);
    expect(renderSoak(report).at(-1)).toBe('passed');
  });

  it('is found where memory rises all the time', () => {
    const report = growthOf(
      hour((share) => 2e8 + 2e8 * share),
      run,
    );
    expect(report.growth.bytes.perHour).toBeCloseTo(2e8, -6);
    expect(report.faults).toEqual([expect.stringContaining('bytes grew to')]);
    expect(renderSoak(report).at(-1)).toBe('FAILED');
  });

  it('is found in handles and files', () => {
    const leaking = hour(() => 2e8).map((sample, i) => ({ ...sample, handles: 60 + i, files: 100 + 5 * i }));
    expect(growthOf(leaking, run).faults).toHaveLength(2);
  });

  it('fails with what a client met', () => {
    expect(
      growthOf(
        hour(() => 2e8),
        { ...run, errors: ['GET /x: 500'] },
      ).faults,
    ).toEqual(['GET /x: 500']);
  });
});
