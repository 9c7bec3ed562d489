/** What this server adds to Fastify's types. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ErrorCode } from '../../lib/errors.ts';

/** A Fastify app whose routes are typed by their zod schemas. */
export type ServerApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Good answers are logged at debug: the route is called thousands of times a second, or by health checks. */
    readonly quiet?: boolean;
    /** The handler reads the body itself: an error may be answered before all of it has come. */
    readonly upload?: boolean;
  }
  interface FastifyReply {
    /** Code of the problem that was answered; null of a good answer. */
    problemCode: ErrorCode | null;
  }
}
