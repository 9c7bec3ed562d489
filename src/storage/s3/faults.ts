/** Errors of object storage: which ones are worth a retry, and how they are converted for callers. */
import { AppError, messageOf } from '../../lib/errors.ts';

/** An answer with wrong bytes. Another attempt may return the right ones. */
export class DamagedAnswer extends Error {}

/** The part of the SDK's errors that we use. */
interface S3Error {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Codes with which busy servers answer, whatever the status. */
const BUSY: ReadonlySet<string> = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'BandwidthLimitExceeded',
  // two conditional puts collided; the next attempt shows which one succeeded
  'ConditionalRequestConflict',
  'OperationAborted',
  'TimeoutError',
]);

/** Codes of a network that fails, or of a host name that cannot be resolved now. */
const NETWORK: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Minimum status of an error of the server. */
const SERVER_ERROR = 500;
const TOO_MANY = 429;

function statusOf(error: unknown): number | undefined {
  return (error as S3Error).$metadata?.httpStatusCode;
}

/** Names of errors of an object or a version that does not exist. The answer to HEAD has no body with a better name. */
const MISSING: ReadonlySet<string> = new Set(['NoSuchKey', 'NoSuchVersion', 'NotFound']);

/** Whether the object or the version does not exist. A bucket that does not exist is something else. */
export function isNoObject(error: unknown): boolean {
  return MISSING.has((error as S3Error).name ?? '');
}

/** Whether the condition of a put is not met. */
export function isRefused(error: unknown): boolean {
  return statusOf(error) === 412;
}

export function isTemporary(error: unknown): boolean {
  if (error instanceof DamagedAnswer) return true;
  const { name = '', code = '' } = error as S3Error;
  const status = statusOf(error) ?? 0;
  if (name === 'NotImplemented' || status === 501) return false;
  return BUSY.has(name) || NETWORK.has(code) || status >= SERVER_ERROR || status === TOO_MANY || isAborted(error);
}

/** Whether the connection ended before the answer did. */
function isAborted(error: unknown): boolean {
  const text = messageOf(error);
  return text === 'aborted' || text.includes('socket hang up') || text === 'terminated';
}

/**
 * Converts an error of the SDK; `doing` completes the message "cannot ...". Errors of ours are returned unchanged. The
 * cause is a copy without the details of the request, because these may contain a key id or a signature.
 */
export function storageFault(doing: string, error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (!(error instanceof Error)) return error;
  const { name = 'Error', code = '', $metadata: answer } = error as S3Error;
  const isOfStorage = answer !== undefined || isTemporary(error) || name === 'CredentialsProviderError';
  if (!isOfStorage) return error;
  if (isNoObject(error)) return failure(`cannot ${doing}: there is no such object`, 'ENOENT', error);
  const text = code === NO_TLS.code ? NO_TLS.text : `${clean(error.message)}${HINTS[code] ?? ''}`;
  const why = statusOf(error) === undefined ? text : `object storage answered ${name}: ${text}`;
  return failure(`cannot ${doing}: ${why}`, errnoOf(error, code), error);
}

/** OpenSSL's error if the server speaks plain HTTP. Its own message does not say so. */
const NO_TLS = {
  code: 'EPROTO',
  text: 'the server does not answer with TLS (an endpoint without TLS begins with http://)',
};

const AUTHORITY =
  ' (if a private authority has signed the certificate, name the file of the authority in AWS_CA_BUNDLE)';

/** Advice by error code. */
const HINTS: Readonly<Record<string, string>> = {
  // by default, the bucket is a part of the host name
  ENOTFOUND: ' (if the server expects the bucket in the path, add path_style=true to the URL of blobs)',
  DEPTH_ZERO_SELF_SIGNED_CERT: AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: AUTHORITY,
};

function failure(message: string, errno: string, error: Error): AppError {
  const cause = new Error(clean(`${error.name}: ${error.message}`));
  return new AppError('storage_failed', message, { facts: { errno }, place: 'the object storage', cause });
}

function errnoOf(error: Error, code: string): string {
  if (NETWORK.has(code)) return code;
  if (error instanceof DamagedAnswer) return 'EBADMSG';
  const status = statusOf(error);
  if (status === 401 || status === 403 || error.name === 'CredentialsProviderError') return 'EACCES';
  return isTemporary(error) ? 'EAGAIN' : 'EIO';
}

/** Maximum length of a server's text in a message. */
const TEXT_LENGTH = 300;

/** Parts of a request that a server may repeat: the key id, signatures and tokens. */
const CREDENTIAL = /\b(credential|signature|security-token)(["']?\s*[=:]\s*["']?)[^\s,&"'<>]+/gi;

/** Returns a server's text on one line, without key ids, signatures and tokens. */
function clean(text: string): string {
  return text
    .replace(CREDENTIAL, '$1$2...')
    .replace(/\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,}/g, '$1...')
    .replace(/\s+/g, ' ')
    .slice(0, TEXT_LENGTH);
}
