/** Additions to Fastify's types. */
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

/** A handler receives the output of its request's schemas, and returns the input of its response's schema. */
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

/** Routes of one class take about as long; docs/operations.md lists the routes of each. */
export type RequestClass = 'lookup' | 'read' | 'write' | 'audience' | 'upload' | 'computed' | 'health';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Successful requests are logged at level debug: the route is called thousands of times per second, or by health
     * checks.
     */
    readonly quiet?: boolean;
    /** The handler reads the body itself: an error may be returned before all of it has arrived. */
    readonly upload?: boolean;
    /** The class under which its durations are counted; by default `read` or `write`, by its method. */
    readonly class?: RequestClass;
  }
  interface FastifyReply {
    /** Code of the problem in the response; null for a successful response. */
    problemCode: ErrorCode | null;
    /** Refused because of overload: there may be thousands a second, so they are not logged one by one. */
    isShed: boolean;
  }
}
