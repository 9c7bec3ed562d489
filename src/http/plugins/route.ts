/**
 * Describes routes: schemas, responses with their headers, and errors. Errors that many routes share are added
 * automatically.
 */
import type { RouteOptions, RouteShorthandOptions } from 'fastify';
import { z } from 'zod';
import type { Scope } from '../../domain/api-keys.ts';
import { assert, type ErrorCode } from '../../lib/errors.ts';
import { problemResponses } from '../problems/schema.ts';
import type { ServerApp } from './fastify-types.ts';
import type { HeaderName } from './response-headers.ts';

type Content = Readonly<Record<string, { readonly schema: z.ZodType }>>;

/** A successful response. A response without content has no body. */
interface Answer {
  readonly description: string;
  readonly headers?: readonly HeaderName[];
  readonly content?: Content;
}

type Answers = Readonly<Record<number, Answer>>;

/** The minimum scope of a key for a route. */
export type RouteScope = Scope | 'metrics' | 'none';

/** The description of a route, with some options for Fastify. */
interface RouteDescription extends Pick<RouteShorthandOptions, 'config' | 'exposeHeadRoute'> {
  /** Operation id, which consists of a verb and a noun and is unique. */
  readonly operationId: string;
  /** Minimum scope of the key; `metrics` for `Access.admitToMetrics`, or `none` if anybody may call the route. */
  readonly scope: RouteScope;
  /**
   * A key with labels may call only two kinds of routes: routes under a campaign, after a check of the campaign's
   * labels; and routes with `heeded`, which check labels themselves or neither show nor change campaigns.
   */
  readonly labels?: 'heeded';
  readonly tags: string[];
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  /** Content types of the request. */
  readonly headers?: z.ZodType;
  readonly body?: z.ZodType | { readonly content: Content };
  readonly consumes?: string[];
  /** Responses of the route by status. */
  readonly response: Answers;
  /** Errors of this route in addition to the shared errors, which `errorsOf` adds. */
  readonly errors?: readonly ErrorCode[];
  /** Whether responses need the store or the population's files; false if all data comes from memory. */
  readonly stored?: boolean;
}

/** Facts for the OpenAPI document that are not in the schemas for Fastify. */
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

/** Types of a route's responses for Fastify. A response without a body has the type `null`. */
type Responses<A extends Answers> = {
  readonly [Status in keyof A]: A[Status] extends { readonly content: infer C extends Content }
    ? { readonly description: string; readonly content: C }
    : z.ZodNull;
};

type OwnField = 'response' | 'errors' | 'stored' | 'scope' | 'labels' | 'config' | 'exposeHeadRoute';
type Described<D extends RouteDescription> = Omit<D, OwnField> & {
  readonly response: Responses<D['response']>;
  readonly facts: RouteFacts;
};

/** Returns Fastify's options for a route. They include its schema, for Fastify and for the OpenAPI document. */
export function describeRoute<D extends RouteDescription>(description: D) {
  const { response, errors, stored, scope, labels, config = {}, exposeHeadRoute = true, ...rest } = description;
  const answers = Object.entries(response);
  const schema: Described<D> = {
    ...rest,
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
  return { config, exposeHeadRoute, schema };
}

/** A JSON response. */
export function json<S extends z.ZodType>(description: string, schema: S, headers: readonly HeaderName[] = []) {
  return { description, headers, content: { 'application/json': { schema } } };
}

/** The 304 response. */
export function notModified(headers: readonly HeaderName[]) {
  return { description: 'The resource has not been modified: `If-None-Match` matches.', headers };
}

function toSchema({ description, content }: Answer) {
  return content === undefined ? z.null().describe(description) : { description, content };
}

/** Adds error responses to the routes that are registered later. */
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
 * Returns the error codes of a route. Bodies and names of query parameters are checked for every route, so even routes
 * that accept neither have the errors of these checks.
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
 * Whether a URL belongs to the API. API routes need a key, and refuse parts of requests that they do not read; health
 * and document routes do neither.
 */
export function isApi(url: string): boolean {
  return url.startsWith('/v1/') || url === '/mcp';
}
