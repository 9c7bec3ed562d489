/**
 * How a route is described: its schemas, its responses with their headers, and its own errors; common errors are added.
 */
import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import type { Scope } from '../../domain/api-keys.ts';
import { assert, type ErrorCode } from '../../lib/errors.ts';
import { problemResponses } from '../problems/schema.ts';
import type { ServerApp } from './fastify-types.ts';
import type { HeaderName } from './response-headers.ts';

type Content = Readonly<Record<string, { readonly schema: z.ZodType }>>;

/** A response other than an error. Without content it has no body. */
interface Answer {
  readonly description: string;
  readonly headers?: readonly HeaderName[];
  readonly content?: Content;
}

type Answers = Readonly<Record<number, Answer>>;

/** The minimum scope of a key for a route. */
export type RouteScope = Scope | 'metrics' | 'none';

/** A route's description. */
interface RouteDescription {
  /** Verb and noun, unique to this operation. */
  readonly operationId: string;
  /** Who may call the route: a key of this scope; `metrics`: see `Access.admitToMetrics`; `none`: anybody. */
  readonly scope: RouteScope;
  /**
   * A key with labels may call only routes below a campaign, whose labels are checked beforehand, and routes with
   * `heeded`. Those check the labels themselves, or neither show nor change campaigns.
   */
  readonly labels?: 'heeded';
  readonly tags: string[];
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  /** The request's content types. */
  readonly headers?: z.ZodType;
  readonly body?: z.ZodType | { readonly content: Content };
  readonly consumes?: string[];
  /** The route's responses, by status. */
  readonly response: Answers;
  /** Errors that not every route of its kind has: see `errorsOf`. */
  readonly errors?: readonly ErrorCode[];
  /** Whether responses need the store or the population's files; false if they come from memory. */
  readonly stored?: boolean;
}

/** What the OpenAPI document needs in addition to the schemas that Fastify knows. */
export interface RouteFacts {
  readonly scope: RouteScope;
  readonly heedsLabels: boolean;
  readonly ownErrors: readonly ErrorCode[];
  readonly stored: boolean;
  readonly headers: Readonly<Record<string, readonly HeaderName[]>>;
}

declare module 'fastify' {
  interface FastifySchema {
    readonly facts?: RouteFacts;
  }
}

/** The types of a route's responses for Fastify: a response without a body is `null`. */
type Responses<A extends Answers> = {
  readonly [Status in keyof A]: A[Status] extends { readonly content: infer C extends Content }
    ? { readonly description: string; readonly content: C }
    : z.ZodNull;
};

type Described<D extends RouteDescription> = Omit<D, 'response' | 'errors' | 'stored' | 'scope' | 'labels'> & {
  readonly response: Responses<D['response']>;
  readonly facts: RouteFacts;
};

/** The `schema` of a route, for Fastify and for the document. */
export function describeRoute<D extends RouteDescription>(description: D): Described<D> {
  const { response, errors, stored, scope, labels, ...schema } = description;
  const answers = Object.entries(response);
  return {
    ...schema,
    response: Object.fromEntries(answers.map(([status, answer]) => [status, toSchema(answer)])) as Responses<
      D['response']
    >,
    facts: {
      scope,
      heedsLabels: labels === 'heeded',
      ownErrors: errors ?? [],
      stored: stored ?? true,
      headers: Object.fromEntries(answers.map(([status, { headers }]) => [status, headers ?? []])),
    },
  };
}

/** A JSON response. */
export function json<S extends z.ZodType>(description: string, schema: S, headers: readonly HeaderName[] = []) {
  return { description, headers, content: { 'application/json': { schema } } };
}

/** The 304 response. */
export function notModified(headers: readonly HeaderName[]) {
  return { description: 'Not modified: `If-None-Match` matches.', headers };
}

function toSchema({ description, content }: Answer) {
  return content === undefined ? z.null().describe(description) : { description, content };
}

/** Adds the error responses to the routes registered from now on. */
export function addErrorResponses(app: ServerApp): void {
  app.addHook('onRoute', (route) => {
    const { schema } = route;
    assert(schema?.facts !== undefined || !isApi(route.url), `the route ${route.url} is described`);
    if (schema?.facts === undefined) return;
    const responses = { ...(schema.response as object), ...problemResponses(errorsOf(route, schema.facts)) };
    route.schema = { ...schema, response: responses };
  });
}

/**
 * The error codes of a route. Errors in a body or in the name of a query parameter are found before the route is
 * called, so routes that accept neither have them too.
 */
export function errorsOf(route: Pick<RouteOptions, 'method' | 'url'>, facts: RouteFacts): readonly ErrorCode[] {
  const takesBody = [route.method].flat().some((method) => method !== 'GET' && method !== 'HEAD');
  return [
    ...(isApi(route.url) ? (['invalid_request', 'unauthorized', 'forbidden'] as const) : []),
    ...(facts.scope === 'metrics' ? (['unauthorized'] as const) : []),
    'foreign_origin',
    'foreign_host',
    'rate_limited',
    ...(takesBody ? (['request_timeout', 'body_too_large', 'unsupported_media_type'] as const) : []),
    ...facts.ownErrors,
    'unavailable',
    ...(isApi(route.url) && facts.stored ? (['storage_failed', 'database_lost'] as const) : []),
    'internal',
  ];
}

/**
 * Whether a URL belongs to the API. API routes need a key, and refuse anything that they do not read; health and
 * document routes do neither.
 */
export function isApi(url: string): boolean {
  return url.startsWith('/v1/');
}
