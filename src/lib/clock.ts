/** The only place that reads the time of day and monotonic time. */
import { readFileSync } from 'node:fs';

export interface Clock {
  /** Milliseconds since 1970, for records. */
  now(): number;
  /**
   * Milliseconds from an arbitrary start, for durations; the start is the same for all processes until the machine
   * boots again. It never jumps.
   */
  elapsed(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + nanoseconds / 1e6;
  },
};

/** The id of the machine's current boot, for which `elapsed` counts; null if the system has none. */
export function findBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

/**
 * Milliseconds that this machine has slept since it booted, while `elapsed` stood still; 0 if the system does not
 * report it.
 */
export function readSleptMs(clock: Pick<Clock, 'elapsed'> = systemClock): number {
  try {
    return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000 - clock.elapsed();
  } catch {
    return 0;
  }
}
