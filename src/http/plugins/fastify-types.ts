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

/** Class of a route, by duration. docs/operations.md lists the routes of each class. */
export type RequestClass = 'lookup' | 'read' | 'write' | 'audience' | 'upload' | 'computed' | 'health';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Whether successful requests are logged at level debug, because the route is called by health checks, or thousands
     * of times per second.
     */
    readonly quiet?: boolean;
    /**
     * Whether the handler reads the body itself, so that it may respond with an error before the whole body has
     * arrived.
     */
    readonly upload?: boolean;
    /** Reads bodies of the usual form from their bytes, in less time than as JSON; null for other bodies. */
    readonly readQuickly?: (body: Buffer) => object | null;
    /**
     * The class under which durations of the route are counted; by default `read` or `write`, depending on the method.
     */
    readonly class?: RequestClass;
  }
  interface FastifyReply {
    /** Code of the problem in the response; null for a successful response. */
    problemCode: ErrorCode | null;
    /**
     * Whether the request was refused because of overload. Such refusals are not logged one by one, because there may
     * be thousands a second.
     */
    isShed: boolean;
  }
}
