/** Signals that end a process which serves. */
import { systemClock } from '../../../lib/clock.ts';

/** Signals that arrive within this time of each other count as one, because under npm each Ctrl-C arrives twice. */
const SAME_SIGNAL_MS = 500;
/** The exit code after a second signal is this number plus the signal number. */
const SIGNALLED = 128;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Resolves at the first SIGTERM or SIGINT. A second signal ends the process at once, like kill -9. */
export function untilSignal(): Promise<void> {
  return new Promise<void>((resolve) => {
    let first: number | null = null;
    for (const [signal, number] of Object.entries(SIGNALS))
      process.on(signal, () => {
        first ??= systemClock.elapsed();
        if (systemClock.elapsed() - first > SAME_SIGNAL_MS) process.exit(SIGNALLED + number);
        resolve();
      });
  });
}
