/** Conditional requests (RFC 9110, section 13): responses that need not be sent again. */
import type { FastifyReply } from 'fastify';
import type { Population } from '../../service/ports/populations.ts';

/**
 * A response that may be cached, but must be revalidated each time, even for a version that never changes: users may be
 * erased. It is private, because it contains user ids.
 */
export const REVALIDATE = 'private, no-cache';

/** Headers of a response with a secret, which no cache may store. */
export const NO_STORE = { 'cache-control': 'no-store' } as const;

/** The part of an ETag that changes when users are erased; empty if none ever was. */
export function erasureTag({ erasures }: Pick<Population, 'erasures'>): string {
  return erasures.count === 0 ? '' : `-e${erasures.count}`;
}

/** RFC 9110, section 13.1.2: weak comparison with each tag in the list. */
export function isMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** The 304 response: the headers of the full response, without its body. */
export function sendNotModified(reply: FastifyReply): FastifyReply {
  return reply.code(304).send();
}
