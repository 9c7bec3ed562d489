/**
 * Makes creation idempotent: a repeated request with the same `Idempotency-Key` gets the same response, and creates
 * nothing.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { IdempotentRequest } from '../../domain/idempotency.ts';
import type { Campaigns } from '../../domain/ports/campaigns.ts';
import { sendShown } from './json/json-writing.ts';
import { MAXIMUM_IDEMPOTENCY_KEY_LENGTH } from './limits.ts';

/** Headers of a POST request that can be repeated safely. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .min(1)
    .max(MAXIMUM_IDEMPOTENCY_KEY_LENGTH)
    .regex(/^[\x21-\x7e]+$/, 'visible ASCII is expected')
    .optional()
    .describe(
      'Unique key of the request. For 24 hours, a request with the same key and body gets the same response ' +
        'and creates nothing.',
    ),
});

/** A request whose headers conform to `idempotencyHeaders`. */
interface KeyedRequest extends Pick<FastifyRequest, 'method' | 'url' | 'body'> {
  readonly headers: { readonly 'idempotency-key'?: string | undefined };
}

/** How a route creates a resource for an `Idempotency-Key`. */
interface Making<Answer extends z.ZodType> {
  /** The schema of the response. */
  readonly answer: Answer;
  /** Creates the resource. The response for `once` must be stored in the same commit as the resource. */
  make(once: IdempotentRequest<z.input<Answer>> | undefined): z.input<Answer> | Promise<z.input<Answer>>;
  /** Sets the status and headers of the response. */
  head(reply: FastifyReply, shown: z.output<Answer>): void;
  /** Data that identifies the request in addition to its key; by default the method, URL and body. */
  readonly identity?: unknown;
}

/**
 * Creates a resource once for each `Idempotency-Key`. Sends the response, or repeats the first response if the key was
 * used before. A request waits while this process handles another request with the same key. If another process answers
 * such a request first, the store refuses to create the resource, and the request gets that response.
 * @throws AppError idempotency_key_reused, and the errors of `make`
 */
export function createOnce(store: Pick<Campaigns, 'answerOf'>) {
  const running = new Map<string, Promise<unknown>>();
  const show = async <Answer extends z.ZodType>(
    request: KeyedRequest,
    reply: FastifyReply,
    { answer, make, identity = [request.method, request.url, request.body] }: Making<Answer>,
  ): Promise<z.output<Answer>> => {
    const key = request.headers['idempotency-key'];
    if (key === undefined) return answer.parse(await make(undefined));
    while (running.has(key)) await running.get(key)?.catch(() => {});
    const requestSha256 = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
    const replay = (answered: string) => {
      reply.header('idempotent-replayed', 'true');
      return JSON.parse(answered) as z.output<Answer>;
    };
    const handle = async () => {
      const answered = await store.answerOf({ key, requestSha256 });
      if (answered !== null) return replay(answered);
      try {
        return answer.parse(await make({ key, requestSha256, answer: (made) => JSON.stringify(answer.parse(made)) }));
      } catch (error) {
        // another process may have answered the request, and made this one fail: the key or the external id was taken
        const other = await store.answerOf({ key, requestSha256 }).catch(() => null);
        if (other === null) throw error;
        return replay(other);
      }
    };
    const handling = handle();
    running.set(key, handling);
    try {
      return await handling;
    } finally {
      running.delete(key);
    }
  };
  return async <Answer extends z.ZodType>(request: KeyedRequest, reply: FastifyReply, making: Making<Answer>) => {
    const shown = await show(request, reply, making);
    making.head(reply, shown);
    return sendShown(reply, shown as object);
  };
}
