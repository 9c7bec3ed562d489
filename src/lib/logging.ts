/** The only importer of pino: JSON lines (or lines for people) on stderr, without secrets or user ids. */
import { destination, pino } from 'pino';
import { createPrettyPrinter } from './pretty-log.ts';

export type { Logger } from 'pino';

/** Whether the log goes to a terminal: it is then formatted for people, unless a setting says otherwise. */
export function logsToTerminal(): boolean {
  return process.stderr.isTTY === true;
}

/**
 * A logger that writes to stderr (stdout is for commands' results): JSON lines or, if `pretty`, lines for people, in
 * colour on a terminal.
 */
export function createLogger(
  level: string,
  name: string,
  { pretty = false }: { readonly pretty?: boolean } = {},
): import('pino').Logger {
  const stderr = destination({ dest: 2, sync: false });
  const print = pretty ? createPrettyPrinter(logsToTerminal()) : null;
  return pino(
    {
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['req.headers.authorization', 'headers.authorization'],
    },
    print === null ? stderr : { write: (line) => void stderr.write(print(line)) },
  );
}
