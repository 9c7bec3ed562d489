/**
 * Responds to a client that is still sending data. Closing the connection at once would reset the connection and lose
 * the response.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_TYPE } from '../../problems/problem.ts';
import type { HttpLimits } from '../limits.ts';

/**
 * Sends `body`, then discards further data until the client has finished or disconnected, or until `lingerMs` or
 * `lingerBytes` is reached. The connection is closed only then.
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
  // Node closes the socket at the end of the response, so the body is sent now, and the response ends only once the
  // client has finished.
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
