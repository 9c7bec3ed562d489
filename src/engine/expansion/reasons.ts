/** Why an attempt at an expansion, or at a range of it, failed. */
import type { Reason } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';

/**
 * The lease was lost because another owner claimed the job, or because the expansion was cancelled, superseded or
 * deleted.
 */
export class LeaseLost extends Error {}

/** @throws LeaseLost unless `isHeld` */
export function requireLease(isHeld: boolean): void {
  if (!isHeld) throw new LeaseLost();
}

/** A failure that would happen again in every further attempt, so the expansion ends with this reason. */
export class Refusal extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, cause?: unknown) {
    super(reason.message, { cause });
    this.reason = reason;
  }
}

/** The last allowed attempt at a range failed with this reason; another attempt at the expansion may succeed. */
export class RangeFailed extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason.message);
    this.reason = reason;
  }
}

/** Where the files of a cluster are. */
const SHARED_FILES = 'the object storage, or the cache of the engine,';

/**
 * The reason that callers of the API see, without paths or ids. The log contains the error itself. `isShared` says
 * whether the store is that of a cluster.
 */
export function reasonOf(error: unknown, isShared: boolean): Reason {
  if (error instanceof Refusal || error instanceof RangeFailed) return error.reason;
  if (!(error instanceof AppError))
    return { code: 'internal', message: 'the expansion failed because of an internal error: see the log' };
  const errno = error.facts['errno'];
  if (error.code === 'storage_failed') {
    const place = error.place ?? (isShared ? SHARED_FILES : 'the data folder');
    const message = `${place} cannot be used${typeof errno === 'string' ? ` (${errno})` : ''}: see the log`;
    return { code: error.code, message, ...(typeof errno === 'string' && { errno }) };
  }
  return { code: error.code, message: `the expansion failed (${error.code}): see the log` };
}
