/**
 * Errors of callers and the environment, each with a stable code (the original is the `cause`); bugs are assertions.
 */
import type { ErrorCode } from './error-codes/error-codes.ts';

export type { ErrorCode } from './error-codes/error-codes.ts';

/** A fault in the input, and where it is. */
export interface ErrorDetail {
  /** JSON pointer into the body, a query parameter, or `file:line`. */
  readonly pointer: string;
  readonly message: string;
  readonly value?: unknown;
  readonly limit?: number;
}

/** An error that is not a bug: caused by the caller's input or by the environment. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  /** Facts for the response in addition to the text (a state, a retry time). */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: readonly ErrorDetail[]; facts?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? [];
    this.facts = options.facts ?? {};
  }
}

/** A request that is wrong in any state of the service. A command that makes one ends with exit code 2. */
export class UsageError extends AppError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('invalid_argument', message, options);
  }
}

/** Throws an assertion (a bug, never the caller's fault) unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Ends a switch over every member of a union: a member added later does not compile here. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unexpected ${JSON.stringify(value)}`);
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
