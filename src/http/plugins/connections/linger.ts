/** Responds to a client that is still sending: closing at once would reset the connection and lose the response. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_TYPE } from '../../problems/problem.ts';
import type { HttpLimits } from '../limits.ts';

/**
 * Sends all of `body` at once, then reads and discards further data until the client has finished or disconnected, or
 * `lingerMs` or `lingerBytes` are used up. The connection is closed only then.
 */
export function answerAndLinger(request: FastifyRequest, reply: FastifyReply, body: string, config: HttpLimits): void {
  const { raw } = request;
  const response = reply.raw;
  reply.hijack();
  response.writeHead(reply.statusCode, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  // Ending the response makes Node close the socket: the body is sent now, the end follows when the client is done.
  response.write(body);
  let bytes = 0;
  const timer = setTimeout(end, config.lingerMs);
  function end(): void {
    clearTimeout(timer);
    raw.off('data', drop);
    response.end();
  }
  function drop(chunk: Buffer): void {
    bytes += chunk.length;
    if (bytes > config.lingerBytes) end();
  }
  raw.on('data', drop).once('end', end).once('error', end).once('close', end);
  raw.resume();
}
