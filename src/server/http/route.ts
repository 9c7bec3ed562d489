/**
 * How a route is described: its shapes, its answers with their headers, and the errors that are its own; the common
 * ones are added.
 */
import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import { assert, type ErrorCode } from '../../lib/errors.ts';
import { problemResponses } from '../problems/schema.ts';
import type { ServerApp } from './fastify-types.ts';
import type { HeaderName } from './response-headers.ts';

type Content = Readonly<Record<string, { readonly schema: z.ZodType }>>;

/** An answer that is no error. Without content it has no body. */
interface Answer {
  readonly description: string;
  readonly headers?: readonly HeaderName[];
  readonly content?: Content;
}

type Answers = Readonly<Record<number, Answer>>;

/** What a route says of itself. */
interface RouteDescription {
  /** Verb and noun, of this operation alone. */
  readonly operationId: string;
  readonly tags: string[];
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  /** Those of the request. */
  readonly headers?: z.ZodType;
  readonly body?: z.ZodType | { readonly content: Content };
  readonly consumes?: string[];
  /** By status. */
  readonly response: Answers;
  /** Those that not every route of its kind has: see `errorsOf`. */
  readonly errors?: readonly ErrorCode[];
  /** Whether answers need the store or the population's files; false where they come from memory. */
  readonly stored?: boolean;
}

/** What the OpenAPI document needs beside the schemas that Fastify knows. */
export interface RouteFacts {
  readonly ownErrors: readonly ErrorCode[];
  readonly stored: boolean;
  readonly headers: Readonly<Record<string, readonly HeaderName[]>>;
}

declare module 'fastify' {
  interface FastifySchema {
    readonly facts?: RouteFacts;
  }
}

/** As Fastify takes them: an answer without a body is `null`. */
type Responses<A extends Answers> = {
  readonly [Status in keyof A]: A[Status] extends { readonly content: infer C extends Content }
    ? { readonly description: string; readonly content: C }
    : z.ZodNull;
};

type Described<D extends RouteDescription> = Omit<D, 'response' | 'errors' | 'stored'> & {
  readonly response: Responses<D['response']>;
  readonly facts: RouteFacts;
};

/** The `schema` of a route, for Fastify and for the document. */
export function describeRoute<D extends RouteDescription>(description: D): Described<D> {
  const { response, errors, stored, ...schema } = description;
  const answers = Object.entries(response);
  return {
    ...schema,
    response: Object.fromEntries(answers.map(([status, answer]) => [status, toSchema(answer)])) as Responses<
      D['response']
    >,
    facts: {
      ownErrors: errors ?? [],
      stored: stored ?? true,
      headers: Object.fromEntries(answers.map(([status, { headers }]) => [status, headers ?? []])),
    },
  };
}

/** An answer in JSON. */
export function json<S extends z.ZodType>(description: string, schema: S, headers: readonly HeaderName[] = []) {
  return { description, headers, content: { 'application/json': { schema } } };
}

/** The answer 304. */
export function notModified(headers: readonly HeaderName[]) {
  return { description: '`If-None-Match` names it.', headers };
}

function toSchema({ description, content }: Answer) {
  return content === undefined ? z.null().describe(description) : { description, content };
}

/** Adds the responses of errors to the routes that are registered from now on. */
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
 * The errors of a route: what is wrong with a body, or a query name, is found before the route is asked, also where it
 * takes none.
 */
export function errorsOf(route: Pick<RouteOptions, 'method' | 'url'>, facts: RouteFacts): readonly ErrorCode[] {
  const takesBody = [route.method].flat().some((method) => method !== 'GET' && method !== 'HEAD');
  return [
    ...(isApi(route.url) ? (['invalid_request', 'unauthorized'] as const) : []),
    ...(takesBody ? (['request_timeout', 'body_too_large', 'unsupported_media_type'] as const) : []),
    ...facts.ownErrors,
    'unavailable',
    ...(isApi(route.url) && facts.stored ? (['storage_failed'] as const) : []),
    'internal',
  ];
}

/** Routes of the API proper need a key, and refuse what they do not read; those of health and documents do neither. */
export function isApi(url: string): boolean {
  return url.startsWith('/v1/');
}
