/**
 * Responds directly on the socket to data that never becomes a request (not HTTP, too late, too large), once the
 * responses to earlier requests have been sent.
 */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { AppError } from '../../../lib/errors.ts';
import { PROBLEM_TYPE, problemOf } from '../../problems/problem.ts';
import type { OpenUploads } from '../../user-sets/open-uploads.ts';
import type { HttpLimits } from '../limits.ts';
import type { OpenRequests } from './open-requests.ts';

/** The arguments of a `clientError` listener. */
type ClientErrorHandler = (error: NodeJS.ErrnoException, socket: Socket) => void;

/**
 * Answers errors of Node's HTTP parser. A connection's responses keep the order of its requests: complete requests are
 * answered first. The last of these requests is marked as overrun, so that a truncated body is not applied; the refusal
 * of this request is then the only response.
 */
export function createClientErrorHandler(
  config: HttpLimits,
  uploads: OpenUploads,
  requests: OpenRequests,
): ClientErrorHandler {
  // Node reports the error again for every later chunk
  const failed = new WeakSet<Socket>();
  return (error, socket) => {
    // The request has taken longer than `requestTimeoutMs`. An upload may: only its reader ends it, if it stalls.
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && uploads.has(socket)) return;
    if (error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    if (failed.has(socket)) return;
    failed.add(socket);
    const open = requests.of(socket);
    const last = open.at(-1);
    const isOfLast = last !== undefined && !last.req.complete;
    const ahead = isOfLast ? open.slice(0, -1) : open;
    if (last !== undefined && !isOfLast) requests.markOverrun(last.req);
    afterAll(ahead, () => {
      const isAnswered =
        last !== undefined &&
        (isOfLast ? last.headersSent : requests.isOverrun(last.req) && isRefusal(last.statusCode));
      endWith(socket, isAnswered ? '' : problemText(error.code, config), config.lingerMs);
    });
  };
}

function isRefusal(statusCode: number): boolean {
  return statusCode >= 400;
}

/** Calls `then` when the last of `responses` has been passed to the connection, or never will be. */
function afterAll(responses: readonly NodeJS.EventEmitter[], then: () => void): void {
  const last = responses.at(-1);
  if (last === undefined) then();
  else last.once('close', then);
}

/** Sends `text` as the connection's last data; a client that keeps sending is read for `lingerMs`, then cut off. */
function endWith(socket: Socket, text: string, lingerMs: number): void {
  if (socket.writable) socket.end(text);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
}

function problemText(code: string | undefined, { maximumErrorDetails }: HttpLimits): string {
  const problem = problemOf(toAppError(code), randomUUID(), maximumErrorDetails);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `x-request-id: ${problem.request_id}`,
    `content-type: ${PROBLEM_TYPE}`,
    'x-content-type-options: nosniff',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function toAppError(code: string | undefined): AppError {
  if (code === 'HPE_HEADER_OVERFLOW') return new AppError('headers_too_large', 'the headers are too large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new AppError('request_timeout', 'the request took too long to arrive');
  return new AppError('invalid_request', 'this is not a valid HTTP request');
}
