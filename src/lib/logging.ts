/** The only importer of pino: JSON lines on stderr, without secrets or user ids. */
import { destination, pino } from 'pino';

export type { Logger } from 'pino';

/** A logger that writes JSON lines to stderr (stdout belongs to commands' results). */
export function createLogger(level: string, name: string): import('pino').Logger {
  return pino(
    {
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['req.headers.authorization', 'headers.authorization'],
    },
    destination({ dest: 2, sync: false }),
  );
}
