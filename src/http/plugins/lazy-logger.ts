/** A logger for a request, created when its first line is logged, because most look-ups never log. */
import type { FastifyBaseLogger } from 'fastify';

type Line = Parameters<FastifyBaseLogger['info']>;

/** Whether a line for every look-up is written at this level. */
export function isVerbose(level: string): boolean {
  return level === 'debug' || level === 'trace';
}

/**
 * Logs through a child logger of `parent` with `bindings`. The child logger is created when the first line is logged.
 */
export class LazyLogger implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #bindings: Parameters<FastifyBaseLogger['child']>[0];
  #own: FastifyBaseLogger | null = null;

  constructor(parent: FastifyBaseLogger, bindings: Parameters<FastifyBaseLogger['child']>[0]) {
    this.#parent = parent;
    this.#bindings = bindings;
  }

  get level(): string {
    return this.#parent.level;
  }

  child(...given: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.#logger().child(...given);
  }

  fatal(...line: Line): void {
    this.#logger().fatal(...line);
  }

  error(...line: Line): void {
    this.#logger().error(...line);
  }

  warn(...line: Line): void {
    this.#logger().warn(...line);
  }

  info(...line: Line): void {
    this.#logger().info(...line);
  }

  debug(...line: Line): void {
    if (isVerbose(this.level)) this.#logger().debug(...line);
  }

  trace(...line: Line): void {
    if (isVerbose(this.level)) this.#logger().trace(...line);
  }

  silent(): void {}

  #logger(): FastifyBaseLogger {
    this.#own ??= this.#parent.child(this.#bindings);
    return this.#own;
  }
}
