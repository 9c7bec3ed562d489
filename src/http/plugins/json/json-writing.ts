/** Responses that no serialiser sees, such as JSON text for look-ups: there are thousands of them a second. */
import type { FastifyReply } from 'fastify';

/** Needs no escape in JSON. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const JSON_UTF_8 = 'application/json; charset=utf-8';

/** A text as JSON. */
export function quoteJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/**
 * Sends JSON text that the caller has written as its schema says: no serialiser sees it. Not from an async handler,
 * whose promise takes another turn.
 */
export function sendJson(reply: FastifyReply, text: string): void {
  reply.header('content-type', JSON_UTF_8).send(text);
}

/** Sends what an answer has shown already: the route's serialiser takes the value that it is shown of. */
export function sendShown(reply: FastifyReply, shown: object): FastifyReply {
  return reply.header('content-type', JSON_UTF_8).send(JSON.stringify(shown));
}
