/**
 * Responds directly on the socket to data that never becomes a request, because the data is not HTTP, arrives too late,
 * or is too large. Earlier requests on the connection are answered first.
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
 * Responds to errors from Node's HTTP parser, after the responses to earlier, complete requests on the same connection.
 * If the last complete request has a body, the request is marked as overrun, so that a truncated body is not applied.
 * The refusal of the overrun request is then the only response.
 */
export function createClientErrorHandler(
  config: HttpLimits,
  uploads: OpenUploads,
  requests: OpenRequests,
): ClientErrorHandler {
  // Node reports the same error again for every later chunk
  const failed = new WeakSet<Socket>();
  return (error, socket) => {
    // an upload may take longer than `requestTimeoutMs`, because its reader has its own time limits
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

/** Calls `then` once the last of `responses` has been written or its connection has closed. */
function afterAll(responses: readonly NodeJS.EventEmitter[], then: () => void): void {
  const last = responses.at(-1);
  if (last === undefined) then();
  else last.once('close', then);
}

/**
 * Sends `text` as the last data of the connection. If the client keeps sending, its data is discarded for `lingerMs`
 * before the connection is closed.
 */
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
