/** Operations of the API as JSON Schemas of arguments and results, and arguments as requests. Read from OpenAPI 3.1. */
import { AppError } from '../../lib/errors.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The parts of an OpenAPI document that are read here. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface DescribedOperation {
  readonly operationId?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly requestBody?: Content | Reference;
  readonly responses: Readonly<Record<string, Content | Reference>>;
}

interface Reference {
  readonly $ref: string;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

/** A request to the API. */
export interface ApiRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body, at once or in pieces; undefined for a request without a body. */
  readonly body: string | Iterable<string> | undefined;
}

export interface Operation {
  /** The scope that a key needs. */
  readonly scope: string;
  /** An object schema with the parameters of the path, the query and the headers, and the fields of the body. */
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /**
   * The request that calls the operation. Unknown arguments become part of it, so that the API refuses them by name.
   * @throws AppError invalid_request if the path lacks an argument
   */
  requestOf(args: Readonly<Record<string, unknown>>): ApiRequest;
}

/** Headers that are arguments; all others concern HTTP alone. */
const HEADERS: ReadonlySet<string> = new Set(['idempotency-key', 'if-match']);

/**
 * Finds an operation by its id. Returns null if there is none.
 * @param only the arguments that are taken; by default all
 */
export function findOperation(document: ApiDocument, id: string, only?: readonly string[]): Operation | null {
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods))
      if (operation.operationId === id) return readOperation(document, { path, method, operation }, only);
  return null;
}

interface Found {
  readonly path: string;
  readonly method: string;
  readonly operation: DescribedOperation;
}

function readOperation(document: ApiDocument, found: Found, only: readonly string[] | undefined): Operation {
  const { path, method, operation } = found;
  const parameters = (operation.parameters ?? [])
    .map((parameter) => resolve<Parameter>(document, parameter))
    .filter((parameter) => parameter.in !== 'header' || HEADERS.has(parameter.name));
  const body = schemaOf(document, operation.requestBody);
  const answer = Object.entries(operation.responses).find(([status]) => status.startsWith('2'))?.[1];
  const own = parameters.map((parameter) => [argumentOf(parameter), parameter] as const);
  const fields = Object.entries((body?.['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>);
  const taken = (name: string) => only === undefined || only.includes(name);
  const required = [
    ...own.filter(([, parameter]) => parameter.required === true).map(([name]) => name),
    ...((body?.['required'] ?? []) as readonly string[]),
  ];
  return {
    scope: operation.security?.[0]?.['key']?.[0] ?? 'read',
    inputSchema: withDefinitions(document, {
      type: 'object',
      properties: Object.fromEntries(
        [...own.map(([name, { schema, description }]) => [name, { ...schema, description }]), ...fields].filter(
          ([name]) => taken(name as string),
        ),
      ),
      required: required.filter(taken),
      additionalProperties: false,
    }),
    outputSchema: withDefinitions(document, schemaOf(document, answer) ?? { type: 'object' }),
    requestOf: (args) => {
      const rest = new Map(Object.entries(args));
      const query = new URLSearchParams();
      const headers: Record<string, string> = { accept: 'application/json' };
      let url = path;
      for (const [name, parameter] of own) {
        const value = rest.get(name);
        rest.delete(name);
        if (value === undefined && parameter.in === 'path')
          throw new AppError('invalid_request', `the argument ${name} is missing`);
        if (value === undefined) continue;
        if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(String(value)));
        else if (parameter.in === 'query') query.set(parameter.name, String(value));
        else headers[parameter.name] = String(value);
      }
      const hasBody = body !== undefined;
      if (!hasBody) for (const [name, value] of rest) query.set(name, String(value));
      if (hasBody) headers['content-type'] = 'application/json';
      const text = query.toString();
      return {
        method: method.toUpperCase(),
        url: text === '' ? url : `${url}?${text}`,
        headers,
        body: hasBody ? JSON.stringify(Object.fromEntries(rest)) : undefined,
      };
    },
  };
}

/** `If-Match` is the argument `if_match`. */
function argumentOf({ name }: Parameter): string {
  return name.toLowerCase().replaceAll('-', '_');
}

function schemaOf(document: ApiDocument, part: Content | Reference | undefined): JsonSchema | undefined {
  if (part === undefined) return undefined;
  const schema = resolve<Content>(document, part).content?.['application/json']?.schema;
  return schema === undefined ? undefined : resolve<JsonSchema>(document, schema);
}

function resolve<T>(document: ApiDocument, part: T | Reference | JsonSchema): T {
  const reference = (part as Partial<Reference>).$ref;
  if (reference === undefined) return part as T;
  const [, , kind, name] = reference.split('/');
  return resolve(document, document.components[kind!]![name!] as T);
}

/** A schema that stands alone: the components that it refers to become its `$defs`. */
function withDefinitions(document: ApiDocument, schema: JsonSchema): JsonSchema {
  const definitions: Record<string, unknown> = {};
  const own = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(own);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, value]) => {
        if (key !== '$ref' || typeof value !== 'string') return [key, own(value)];
        const name = value.split('/').at(-1)!;
        if (!(name in definitions)) {
          definitions[name] = {};
          definitions[name] = own(document.components['schemas']![name]);
        }
        return [key, `#/$defs/${name}`];
      }),
    );
  };
  const whole = own(schema) as JsonSchema;
  return Object.keys(definitions).length === 0 ? whole : { ...whole, $defs: definitions };
}
