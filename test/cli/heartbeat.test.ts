/** What a command shows while its work has nothing to report. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Heartbeat } from '../../src/cli/heartbeat.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('says within 2 s what is done, and is quiet while the work reports itself', () => {
  const lines: string[] = [];
  let now = 0;
  const pass = (ms: number) => {
    for (let done = 0; done < ms; done += 100) {
      now += 100;
      vi.advanceTimersByTime(100);
    }
  };
  const output = { result: () => {}, note: () => {}, progress: (line: string) => void lines.push(line) };
  const heartbeat = new Heartbeat(output, { elapsed: () => now }, 'reading');
  pass(2_000);
  expect(lines).toEqual(['reading, for 1 s', 'reading, for 2 s']);
  heartbeat.next('training');
  pass(1_000);
  expect(lines).toHaveLength(2);
  heartbeat.next('training');
  pass(3_000);
  expect(lines.slice(2)).toEqual(['training, for 3 s', 'training, for 4 s']);
  heartbeat.stop();
  pass(5_000);
  expect(lines).toHaveLength(4);
});
