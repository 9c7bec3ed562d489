/** Sends JSON text without a serialiser, such as for look-ups: there are thousands a second. */
import type { FastifyReply } from 'fastify';

/** Text that needs no escape in JSON. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const JSON_UTF_8 = 'application/json; charset=utf-8';

/** A text as JSON. */
export function quoteJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/**
 * Sends JSON text that conforms to the route's schema, without a serialiser. Not for async handlers, whose promise
 * takes another iteration of the event loop.
 */
export function sendJson(reply: FastifyReply, text: string): void {
  reply.header('content-type', JSON_UTF_8).send(text);
}

/** Sends the output of an answer: the route's serialiser expects its input. */
export function sendShown(reply: FastifyReply, shown: object): FastifyReply {
  return reply.header('content-type', JSON_UTF_8).send(JSON.stringify(shown));
}
