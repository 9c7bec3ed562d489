/** What this server adds to Fastify's types. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { z } from 'zod';
import type { ErrorCode } from '../../lib/errors.ts';

/** A handler gets what the schemas of its request make of it, and returns what the schema of its response takes. */
export interface ZodTypeProvider extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown;
}

/** A Fastify app whose routes are typed by their zod schemas. */
export type ServerApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What decides how long a request takes; docs/operations.md names the routes of each. */
export type RequestClass = 'lookup' | 'read' | 'write' | 'audience' | 'upload' | 'computed' | 'health';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Successful requests are logged at debug: the route is called thousands of times per second, or by health checks.
     */
    readonly quiet?: boolean;
    /** The handler reads the body itself: an error may be returned before all of it has arrived. */
    readonly upload?: boolean;
    /** By which its durations are counted; a route without one is of `read` or `write`, by its method. */
    readonly class?: RequestClass;
  }
  interface FastifyReply {
    /** Code of the problem in the response; null for a successful response. */
    problemCode: ErrorCode | null;
    /** Refused because too many requests arrive: there may be thousands a second, so no line is logged of each. */
    isShed: boolean;
  }
}
