/** The types of calls, derived from openapi.yaml by way of `../generated/openapi.d.ts`. */
import type { Client, FetchResponse, MaybeOptionalInit } from 'openapi-fetch';
import type { components, paths, webhooks } from '../generated/openapi.d.ts';

export type Schemas = components['schemas'];
export type Campaign = Schemas['Campaign'];
export type Problem = Schemas['Problem'];
/** A user of an audience. */
export type Member = Schemas['AudiencePage']['items'][number];
/** A page of the change feed. */
export type Changes = Schemas['Changes'];
/** A user who differs between two versions of an audience. */
export interface DiffLine {
  readonly change: 'removed' | 'added';
  readonly user_id: string;
}
/** The body of a webhook; `type` says which event it is. */
export type WebhookEvent = webhooks[keyof webhooks]['post']['requestBody']['content']['application/json'];

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete';
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];
type Json = 'application/json';

/** The options of openapi-fetch: `params` (`path`, `query`, `header`), `body`, `headers`, `signal`, `parseAs`. */
export type Init<P extends keyof paths, M extends Method> = MaybeOptionalInit<paths[P], M>;
type RequiredKeysOf<T> = { [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? never : K }[keyof T];
/** One argument, which may be missing if nothing in it is required. */
export type Options<I> =
  RequiredKeysOf<I> extends never ? [(I & Record<string, unknown>)?] : [I & Record<string, unknown>];

type Data<Response> = Response extends { readonly error?: never; readonly data: infer D } ? D : never;
type IsConditional<I> = I extends { readonly params: { readonly header: { readonly 'If-None-Match': string } } }
  ? true
  : false;

/** A successful response. */
export interface Answer<D> {
  readonly data: D;
  readonly response: Response;
}

/** `data` is undefined if the request had `If-None-Match` and the response is 304. */
export type AnswerOf<P extends keyof paths, M extends Method, I> =
  paths[P][M] extends Record<string | number, unknown>
    ? Answer<Data<FetchResponse<paths[P][M], I, Json>> | (IsConditional<I> extends true ? undefined : never)>
    : never;

export type Call<M extends Method> = <P extends PathOf<M>, I extends Init<P, M>>(
  path: P,
  ...options: Options<I>
) => Promise<AnswerOf<P, M, I>>;

export type RawClient = Client<paths, Json>;

type JsonOf<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer T } } } };
}
  ? T
  : never;
/** Routes that return pages with `items` and `next_cursor`. */
export type PagedPath = {
  [P in keyof paths]: JsonOf<P> extends { items: unknown[]; next_cursor: string | null }
    ? paths[P] extends { get: { parameters: { query?: { cursor?: string } } } }
      ? P
      : never
    : never;
}[keyof paths];
export type ItemOf<P extends PagedPath> = JsonOf<P> extends { items: readonly (infer T)[] } ? T : never;

/** Routes that stream NDJSON. */
export type StreamedPath = {
  [P in keyof paths]: paths[P] extends { get: { responses: { 200: { content: { 'application/x-ndjson': string } } } } }
    ? P
    : never;
}[keyof paths];
export type LineOf<P extends StreamedPath> = P extends `${string}/diff/${string}`
  ? DiffLine
  : P extends `${string}/unknown`
    ? string
    : P extends '/v1/audit'
      ? Readonly<Record<string, unknown>>
      : Member;

/** Routes that take a list of users as a file, by `PUT` or `POST`. */
export type UploadPath = Extract<
  keyof paths,
  `${string}/${'seeds' | 'negatives' | 'suppression'}${'' | '/add' | '/remove'}`
>;

/** Routes that take an `Idempotency-Key`. */
export type KeyedPath = {
  [P in PathOf<'post'>]: paths[P] extends { post: { parameters: { header?: infer H } } }
    ? [NonNullable<H>] extends [{ 'idempotency-key'?: string }]
      ? [H] extends [undefined]
        ? never
        : P
      : never
    : never;
}[PathOf<'post'>];
