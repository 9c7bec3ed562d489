/** JSON that is put together as text: of answers that are asked for thousands of times a second. */
import type { FastifyReply } from 'fastify';

/** Needs no escape in JSON. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** A text as JSON. */
export function quoteJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/**
 * Sends JSON text that the caller has written as its schema says: no serialiser sees it. Not from an async handler,
 * whose promise takes another turn.
 */
export function sendJson(reply: FastifyReply, text: string): void {
  reply.header('content-type', 'application/json; charset=utf-8').send(text);
}
