/** Sends JSON text without a serialiser, for routes such as look-ups that are called thousands of times a second. */
import type { FastifyReply, FastifySerializerCompiler } from 'fastify';

/** Matches text that needs no escaping in JSON. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const JSON_UTF_8 = 'application/json; charset=utf-8';

/** Returns a text as a JSON string. */
export function quoteJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Sends JSON text that conforms to the route's schema, without a serialiser. */
export function sendJson(reply: FastifyReply, text: string | Buffer): void {
  reply.header('content-type', JSON_UTF_8).send(text);
}

/** Sends the output of an answer as text, because the serialiser of the route would expect the input of the answer. */
export function sendShown(reply: FastifyReply, shown: object): FastifyReply {
  return reply.header('content-type', JSON_UTF_8).send(JSON.stringify(shown));
}

/**
 * Serialises the result of a handler without validation, because the compiler has checked its type against the schema.
 * Validating it with zod, as other routes do, takes longer than a look-up, and half as long as creating a page.
 */
export const plainJson: FastifySerializerCompiler<unknown> = () => (answer) => JSON.stringify(answer);
