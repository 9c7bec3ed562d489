/** Conditional requests (RFC 9110, section 13): responses that need not be sent again. */
import type { FastifyReply } from 'fastify';

/** A response that never changes and can be cached indefinitely. Private, as it contains user ids. */
export const IMMUTABLE = 'private, max-age=31536000, immutable';
/** A response that can be cached, but must be revalidated each time. */
export const REVALIDATE = 'private, no-cache';

/** RFC 9110, section 13.1.2: weak comparison with each tag in the list. */
export function isMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** The 304 response: the headers of the full response, without its body. */
export function sendNotModified(reply: FastifyReply): FastifyReply {
  return reply.code(304).send();
}
