/** The machine's clock. No other module reads the time of day or monotonic time. */
import { readFileSync } from 'node:fs';

export interface Clock {
  /** The time of day for records, in milliseconds since 1970. */
  now(): number;
  /**
   * Monotonic time for durations, in milliseconds from an arbitrary start. It never jumps. All processes have the same
   * start until the machine boots again.
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

/** The id of the machine's current boot; null if the system has no such id. `elapsed` counts within one boot. */
export function findBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

/**
 * Milliseconds that this machine has spent suspended since it booted; 0 if the system does not report this time.
 * `elapsed` stands still during suspension.
 */
export function readSleptMs(clock: Pick<Clock, 'elapsed'> = systemClock): number {
  try {
    return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000 - clock.elapsed();
  } catch {
    return 0;
  }
}
