/** Valid and broken requests to an operation of the OpenAPI document. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Operation, Parameter } from '../../fixture/api-document.ts';
import { nasty, type Pool, type Values } from './values.ts';

export interface Target {
  readonly method: string;
  /** With `{name}` for each path parameter. */
  readonly path: string;
  readonly operation: Operation;
}

export interface FuzzRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload?: string | Buffer;
}

/** The parts of a request before it is put together. */
interface Parts {
  readonly method: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly type: string; readonly payload: string | Buffer } | null;
}

/** Half of them fit the schema. */
export function requestsOf(target: Target, values: Values, pool: Pool): fc.Arbitrary<FuzzRequest> {
  const fitting = fittingParts(target, values, pool);
  const broken = fc.tuple(fitting, breakage(target)).map(([parts, breakIt]) => breakIt(parts));
  return fc.oneof(fitting, broken).map((parts) => assemble(target.path, parts));
}

function fittingParts({ method, path: template, operation }: Target, values: Values, pool: Pool): fc.Arbitrary<Parts> {
  const parameters = operation.parameters ?? [];
  const of = (place: Parameter['in']) => parameters.filter((one) => one.in === place);
  const fields = (list: readonly Parameter[]) =>
    fc.record(
      Object.fromEntries(
        list.map(({ name, schema, example }) => [
          name,
          values.fitting({ ...schema, example }, placeOf(template, name)).map(textOf),
        ]),
      ),
      {
        requiredKeys: list.filter(({ required }) => required).map(({ name }) => name),
      },
    ) as fc.Arbitrary<Record<string, string>>;
  return fc
    .record({
      path: fields(of('path').map((one) => ({ ...one, required: true }))),
      query: fc.tuple(fields(of('query')), fc.nat()).map(([all, at]) => someOf(all, at)),
      headers: fields(of('header')),
      accept: fc.constantFrom('*/*', ...acceptable(operation)),
      body: bodiesOf(operation, values, pool),
    })
    .map(({ path, query, headers, accept, body }) => ({
      method,
      path,
      query: Object.entries(query),
      headers: { ...Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, plain(text)])), accept },
      body,
    }));
}

/** Either one of the fields or all of them, so that mutually exclusive fields also occur alone. */
function someOf(fields: Record<string, string>, at: number): Record<string, string> {
  const entries = Object.entries(fields);
  return at % 2 === 0 ? fields : Object.fromEntries(entries.slice(at % Math.max(1, entries.length)).slice(0, 1));
}

/** A path parameter after what its resource is called: `webhooks.id`. */
export function placeOf(template: string, name: string): string {
  const [, resource] = new RegExp(`/([\\w-]+)/\\{${name}\\}`).exec(template) ?? [];
  return resource === undefined ? name : `${resource}.${name}`;
}

/** Media types of the good answers. */
function acceptable({ responses }: Operation): string[] {
  return Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, { content }]) => Object.keys(content ?? {}));
}

function bodiesOf({ requestBody }: Operation, values: Values, pool: Pool): fc.Arbitrary<Parts['body']> {
  if (requestBody === undefined) return fc.constant(null);
  const kinds = Object.entries(requestBody.content).map(([type, { schema, example }]): fc.Arbitrary<Parts['body']> => {
    if (/[/+]json$/.test(type))
      return values.fitting({ ...schema, example }).map((value) => ({ type, payload: JSON.stringify(value) }));
    return linesOf(type, pool).map((payload) => ({ type, payload }));
  });
  return fc.oneof(...kinds);
}

/** A file of users: real ones and others, in the form of its media type. */
function linesOf(type: string, pool: Pool): fc.Arbitrary<string> {
  const id = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('u1', ...pool('user_id')) },
    { weight: 1, arbitrary: fc.string() },
  );
  if (type.includes('ndjson')) {
    const features = fc.constantFrom(null, { city: 'c1', gender: 'f' }, { city: 'nowhere', gender: null });
    const line = fc.record({ user_id: id, features }, { requiredKeys: ['user_id'] });
    return fc.array(line, { maxLength: 30 }).map((lines) => lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
  }
  return fc.array(id, { maxLength: 30 }).map((ids) => {
    const lines = ids.map((one) => (type.includes('csv') ? `"${one.replaceAll('"', '""')}"` : one));
    return [...(type.includes('csv') ? ['user_id'] : []), ...lines, ''].join('\n');
  });
}

type Breakage = (parts: Parts) => Parts;

const BROKEN_BODIES: readonly (string | Buffer)[] = [
  '',
  '{"name":',
  'null',
  '[]',
  '"text"',
  '7',
  '{"a":1e999}',
  '{"name":"x","name":"y"}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{}}}',
  '['.repeat(20_000),
  Buffer.from([0xff, 0xfe, 0x00]),
  Buffer.from('{"name":"\xff"}', 'latin1'),
  gzipSync('u1\nu2\n'),
];

const TYPES = [
  'text/plain',
  'application/xml',
  'application/json; charset=latin1',
  'multipart/form-data',
  'nonsense',
  '',
  '*/*',
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const ODD_HEADERS: readonly (readonly [string, string])[] = [
  ['accept', 'image/png'],
  ['accept', ';;;,q=9'],
  ['if-none-match', '*'],
  ['if-none-match', '"'.repeat(500)],
  ['range', 'bytes=5-1'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'br, zstd'],
  ['accept-encoding', 'gzip'],
  ['accept-encoding', 'identity;q=0'],
  ['idempotency-key', ''],
  ['idempotency-key', 'k'.repeat(5_000)],
  ['authorization', 'Basic Og=='],
  ['x-request-id', '<script>'],
  ['expect', 'something'],
];

/** A way to break a request; one that needs a body, a path or a query does not change requests without it. */
function breakage({ path, operation }: Target): fc.Arbitrary<Breakage> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const queries = (operation.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name);
  const nastyText = nasty.map(textOf);
  return fc.oneof(
    fc.tuple(fc.nat(), nasty).map(([at, value]) => inBody(at, value)),
    fc.tuple(fc.nat(), nasty).map(([at, value]) => inBody(at, value)),
    fc.nat().map(withoutField),
    fc.tuple(fc.constantFrom('sneaky', '__proto__', 'Name', ''), nasty).map(([name, value]) => withField(name, value)),
    fc.constantFrom(...BROKEN_BODIES).map(
      (payload): Breakage =>
        (parts) => ({ ...parts, body: { type: parts.body?.type ?? 'application/json', payload } }),
    ),
    fc.constantFrom(...TYPES).map(
      (type): Breakage =>
        (parts) => ({ ...parts, body: { type, payload: parts.body?.payload ?? 'x' } }),
    ),
    fc.constantFrom(...METHODS).map(
      (method): Breakage =>
        (parts) => ({ ...parts, method }),
    ),
    fc.tuple(fc.constantFrom('', ...names), nastyText).map(
      ([name, text]): Breakage =>
        (parts) => ({ ...parts, path: { ...parts.path, ...(name === '' ? {} : { [name]: text }) } }),
    ),
    fc.tuple(fc.constantFrom('sneaky', ...queries), nastyText).map(
      ([name, text]): Breakage =>
        (parts) => ({ ...parts, query: [...parts.query, [name, text]] }),
    ),
    fc.constantFrom(...ODD_HEADERS).map(
      ([name, text]): Breakage =>
        (parts) => ({ ...parts, headers: { ...parts.headers, [name]: text } }),
    ),
  );
}

/** Puts a value in the place of one of the body's fields, or of the whole. */
function inBody(at: number, value: unknown): Breakage {
  return ofObject((fields) => {
    const names = Object.keys(fields);
    const name = names[at % (names.length + 1)];
    return name === undefined ? value : { ...fields, [name]: value };
  });
}

function withoutField(at: number): Breakage {
  return ofObject((fields) => {
    const names = Object.keys(fields);
    return Object.fromEntries(
      Object.entries(fields).filter(([name]) => name !== names[at % Math.max(1, names.length)]),
    );
  });
}

function withField(name: string, value: unknown): Breakage {
  return ofObject((fields) => ({ ...fields, [name]: value }));
}

function ofObject(change: (fields: Record<string, unknown>) => unknown): Breakage {
  return (parts) => {
    if (parts.body === null || typeof parts.body.payload !== 'string' || !/[/+]json$/.test(parts.body.type))
      return parts;
    const value: unknown = JSON.parse(parts.body.payload);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return parts;
    return {
      ...parts,
      body: { ...parts.body, payload: JSON.stringify(change(value as Record<string, unknown>)) ?? '' },
    };
  };
}

function assemble(template: string, { method, path, query, headers, body }: Parts): FuzzRequest {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encode(path[name] ?? ''));
  const search = query.map(([name, text]) => `${encode(name)}=${encode(text)}`).join('&');
  const hasBody = body !== null && method !== 'GET' && method !== 'HEAD';
  return {
    method,
    url: search === '' ? filled : `${filled}?${search}`,
    headers: { ...headers, ...(hasBody ? { 'content-type': body.type } : {}) },
    ...(hasBody ? { payload: body.payload } : {}),
  };
}

/** Half a surrogate pair has no encoding. */
function encode(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

/** A header field holds visible ASCII here. */
function plain(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '_');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
