/**
 * Errors caused by callers or by the environment, which have stable codes and the original error as `cause`. Bugs are
 * assertions.
 */
import type { ErrorCode } from './error-codes/error-codes.ts';

export type { ErrorCode } from './error-codes/error-codes.ts';

/** A fault in the input, and its location. */
export interface ErrorDetail {
  /** The location of the fault: a JSON pointer into the body, the name of a query parameter, or `file:line`. */
  readonly pointer: string;
  readonly message: string;
  readonly value?: unknown;
  readonly limit?: number;
}

interface AppErrorOptions {
  readonly details?: readonly ErrorDetail[];
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly place?: string;
  readonly cause?: unknown;
}

/** An error that is not a bug but is caused by the caller's input or by the environment. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  /** Facts for the response in addition to the text, such as a state or a retry time. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** What failed, for readers who must not see the message, such as `the database`; null if it is not known. */
  readonly place: string | null;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? [];
    this.facts = options.facts ?? {};
    this.place = options.place ?? null;
  }
}

/**
 * An error for a request that is wrong regardless of the state of the service. A command that fails with this error has
 * exit code 2.
 */
export class UsageError extends AppError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('invalid_argument', message, options);
  }
}

/** Throws an assertion error if `condition` is false. A failed assertion is a bug, never the caller's fault. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/**
 * The default case of a switch over all members of a union. If a member is added without a case, the switch does not
 * compile.
 */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unexpected ${JSON.stringify(value)}`);
}

/** Whether an error means that a file or stored blob does not exist. */
export function isMissing(error: unknown): boolean {
  return (error instanceof AppError ? error.facts['errno'] : (error as NodeJS.ErrnoException).code) === 'ENOENT';
}

/** The message of a thrown value of any type. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
