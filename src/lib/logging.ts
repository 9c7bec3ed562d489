/**
 * The log: JSON lines (or human-readable lines) on stderr, without secrets or user ids. No other module imports pino.
 */
import { destination, pino } from 'pino';
import { createPrettyPrinter } from './pretty-log.ts';

export type { Logger } from 'pino';

/** Whether the log goes to a terminal. If so, it is human-readable unless a setting says otherwise. */
export function logsToTerminal(): boolean {
  return process.stderr.isTTY === true;
}

/**
 * Creates a logger that writes to stderr, because stdout is for results of commands. It writes JSON lines or, if
 * `pretty` is true, human-readable lines, which are coloured on a terminal.
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

/** Logs, at any log level, that a process has started, with facts about it. */
export function noteStart(logger: import('pino').Logger, facts: object, message: string): void {
  logger.child({}, { level: 'info' }).info(facts, message);
}
