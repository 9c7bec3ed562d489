/** Routes that make something: a repeated request with the same key gets its response again, and makes nothing. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Campaigns } from '../../domain/ports/campaigns.ts';
import type { IdempotentRequest } from '../../domain/types.ts';
import { MAXIMUM_IDEMPOTENCY_KEY_LENGTH } from './limits.ts';

/** Headers of a POST that can be repeated safely. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .min(1)
    .max(MAXIMUM_IDEMPOTENCY_KEY_LENGTH)
    .regex(/^[\x21-\x7e]+$/, 'visible ASCII is expected')
    .optional()
    .describe(
      'A unique key per request: for 24 hours the same key and body get the same response, and create nothing ' +
        'new.',
    ),
});

/** A request whose headers are `idempotencyHeaders`. */
interface KeyedRequest extends Pick<FastifyRequest, 'method' | 'url' | 'body'> {
  readonly headers: { readonly 'idempotency-key'?: string | undefined };
}

/** What a route does: `make` must keep the answer of `once` in the commit that makes it. */
interface Making<Made, Body> {
  make(once: IdempotentRequest<Made> | undefined): Made | Promise<Made>;
  present(made: Made): Body;
}

/**
 * Makes something once for each key, for the routes of a resource; a request that comes while another with its key is
 * being answered waits for it. What identifies a request are its method, its URL and its body.
 * @throws AppError idempotency_key_reused, and what `make` throws
 */
export function createOnce(store: Pick<Campaigns, 'answerOf'>) {
  const running = new Map<string, Promise<unknown>>();
  return async <Made, Body>(
    request: KeyedRequest,
    reply: Pick<FastifyReply, 'header'>,
    { make, present }: Making<Made, Body>,
  ): Promise<Body> => {
    const key = request.headers['idempotency-key'];
    if (key === undefined) return present(await make(undefined));
    while (running.has(key)) await running.get(key)?.catch(() => {});
    const requestSha256 = sha256Of([request.method, request.url, request.body]);
    const answered = store.answerOf({ key, requestSha256 });
    if (answered !== null) {
      reply.header('idempotent-replayed', 'true');
      return JSON.parse(answered) as Body;
    }
    const making = Promise.resolve(make({ key, requestSha256, answer: (made) => JSON.stringify(present(made)) }));
    running.set(key, making);
    try {
      return present(await making);
    } finally {
      running.delete(key);
    }
  };
}

/** What identifies a request. */
export function sha256Of(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
