/** Conditional requests (RFC 9110, section 13): answers that need not be sent again. */
import type { FastifyReply } from 'fastify';

/** What a client may keep for as long as it likes: the answer never changes. Private, as it holds user ids. */
export const IMMUTABLE = 'private, max-age=31536000, immutable';
/** What a client may keep, but has to ask about each time. */
export const REVALIDATE = 'private, no-cache';

/** RFC 9110, section 13.1.2: weak comparison with each of the list. */
export function isMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** The answer 304: the headers that the whole answer would have, without it. */
export function sendNotModified(reply: FastifyReply): FastifyReply {
  return reply.code(304).send();
}
