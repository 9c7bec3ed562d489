/** Signals that end a process which serves. */
import { systemClock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logging.ts';

/** Signals that arrive within this time of each other count as one, because under npm each Ctrl-C arrives twice. */
const SAME_SIGNAL_MS = 500;
/** The exit code after a second signal is this number plus the signal number. */
const SIGNALLED = 128;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Resolves at the first SIGTERM or SIGINT. The process then has `limitMs` to end by itself, even if something hangs. A
 * second signal ends it at once, like kill -9.
 */
export function untilSignal(limitMs: number, logger: Logger): Promise<void> {
  const late = () => {
    logger.fatal({ limit_ms: limitMs }, 'the process did not stop in time, and ends without finishing');
    process.exit(1);
  };
  return new Promise<void>((resolve) => {
    let first: number | null = null;
    for (const [signal, number] of Object.entries(SIGNALS))
      process.on(signal, () => {
        if (first === null) setTimeout(late, limitMs).unref();
        first ??= systemClock.elapsed();
        if (systemClock.elapsed() - first > SAME_SIGNAL_MS) process.exit(SIGNALLED + number);
        resolve();
      });
  });
}
