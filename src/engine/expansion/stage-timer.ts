/** Times the consecutive stages of an attempt. */
import type { Clock } from '../../lib/clock.ts';

/**
 * Returns a function to call at the end of each stage. The returned function records and reports the seconds since its
 * previous call.
 */
export function stageTimer(
  clock: Pick<Clock, 'elapsed'>,
  timings: Record<string, number>,
  told: { stageEnded(stage: string, seconds: number): void },
): (name: string) => void {
  let start = clock.elapsed();
  return (name) => {
    const now = clock.elapsed();
    const seconds = (now - start) / 1000;
    timings[name] = seconds;
    start = now;
    told.stageEnded(name, seconds);
  };
}
