/** Converts errors of the driver into errors of the service, without row contents or secrets. */
import pg from 'pg';
import { AppError, messageOf } from '../../../lib/errors.ts';

/** SQLSTATE codes of a conflict with a concurrent transaction. Repeating the transaction may succeed. */
const CONFLICTS = ['40001', '40P01'];
/**
 * Codes that mean either a conflict or a bug: a key that another transaction has just inserted, a row that it has just
 * deleted, or a plan whose table has changed. If it is a bug, further attempts fail in the same way.
 */
const DOUBTFUL = ['23505', '23503', '0A000'];

/** SQLSTATE classes and codes of a server that is gone, restarting, out of connections, or too slow. */
const UNREACHABLE = /^(08|57P0[1-4]|53300|57014|55000|55P03|25006|25P0[34])/;
/** SQLSTATE classes of a server that cannot do its work: no such user, no rights, disk full, I/O errors. */
const BROKEN = /^(28|3D000|42501|53|54|58|F0|XX)/;

/** Messages of `pg` for connections that ended or took too long; they have no code. */
const ENDED =
  /Connection terminated|timeout exceeded|timeout expired|read timeout|connection error|not queryable|Client was closed/i;
/** Codes of sockets and of name resolution. */
const SOCKET = /^(ECONN|EPIPE|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|ENOENT|EADDR)/;

/** Seconds until a caller may try again. */
export const RETRY_SECONDS = 1;

/** The SQLSTATE or the code of the socket; empty if there is none. */
function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

export function isConflict(error: unknown): boolean {
  return error instanceof pg.DatabaseError && CONFLICTS.includes(codeOf(error));
}

/** Whether a few further attempts may succeed. */
export function isDoubtful(error: unknown): boolean {
  return error instanceof pg.DatabaseError && DOUBTFUL.includes(codeOf(error));
}

/** Whether the connection is lost, so that the server has rolled back what was not committed. */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(08|57P0[1-4]|25P0[34])/.test(codeOf(error));
  if (error instanceof AppError || !(error instanceof Error)) return false;
  return SOCKET.test(codeOf(error)) || ENDED.test(error.message);
}

/** Whether the server may answer later, for example because it is starting. */
export function isUnavailable(error: unknown): boolean {
  const converted = databaseError(error);
  return converted instanceof AppError && converted.code === 'unavailable';
}

/**
 * Converts an error of the driver. An error that is a bug (a constraint, a syntax error) keeps its message, but loses
 * the contents of rows.
 */
export function databaseError(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error;
  const code = codeOf(error);
  const cause = withoutRows(error);
  if (isConnectionLost(error) || UNREACHABLE.test(code) || isConflict(error))
    return new AppError('unavailable', `the database does not answer: ${describe(error)}`, {
      ...{ facts: { retry_after: RETRY_SECONDS }, cause },
    });
  if (!(error instanceof pg.DatabaseError) && !/SSL|certificate|SASL|SCRAM|password/i.test(error.message)) return error;
  if (error instanceof pg.DatabaseError && !BROKEN.test(code)) return cause;
  return new AppError('storage_failed', `cannot use the database: ${describe(error)}`, {
    ...{ facts: { errno: code }, place: 'the database', cause },
  });
}

function describe(error: Error): string {
  // an AggregateError of several addresses has no message
  return error.message || codeOf(error) || messageOf(error);
}

/**
 * Keeps only the message and the code of an error, because its details contain values of rows, such as ids of users.
 */
function withoutRows(error: Error): Error {
  const clean = new Error(describe(error));
  clean.name = error.name;
  return Object.assign(clean, { code: codeOf(error) });
}
