/** Transfers errors from a thread with their code, facts, place and stack, but without their causes. */
import { AppError, type ErrorCode, messageOf } from '../errors.ts';

/** An error as plain data. The code of an error that is not an AppError is `internal`. */
export interface ThreadError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly place: string | null;
  readonly stack: string | undefined;
}

export function describeError(error: unknown): ThreadError {
  const isOurs = error instanceof AppError;
  return {
    code: isOurs ? error.code : 'internal',
    message: messageOf(error),
    facts: isOurs ? error.facts : {},
    place: isOurs ? error.place : null,
    stack: error instanceof Error ? error.stack : undefined,
  };
}

/** Restores an error, with its stack from the thread. */
export function restoreError({ code, message, facts, place, stack }: ThreadError): Error {
  const error =
    code === 'internal' ? new Error(message) : new AppError(code, message, { facts, ...(place !== null && { place }) });
  if (stack !== undefined) error.stack = stack;
  return error;
}
