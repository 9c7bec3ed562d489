/** Estimates the time left from the time taken so far. */
import type { Clock } from '../lib/clock.ts';

/** Minimum elapsed time before an estimate is shown. */
const LEAST_MS = 1_000;

/**
 * Starts measuring. The returned function takes the completed share and returns text such as `, 3 min left`, or an
 * empty string at the beginning and at the end.
 */
export function createEta(clock: Pick<Clock, 'elapsed'>): (share: number) => string {
  const start = clock.elapsed();
  return (share) => {
    const taken = clock.elapsed() - start;
    if (share <= 0 || share >= 1 || taken < LEAST_MS) return '';
    return `, ${durationText((taken / share) * (1 - share))} left`;
  };
}

function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
