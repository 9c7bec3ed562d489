/** The times of an attempt's stages, which follow each other. */
import type { Clock } from '../../lib/clock.ts';

/** To be called at the end of each stage: notes, and tells, the seconds since the end of the one before. */
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
