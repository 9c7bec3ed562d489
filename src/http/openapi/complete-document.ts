/**
 * Completes the OpenAPI document with information that is not in the routes' schemas: headers, conditional requests,
 * webhook calls, examples of pages. Parts that operations share become components that operations refer to.
 */

import { assert } from '../../lib/errors.ts';
import { headersOfErrors, RESPONSE_HEADERS } from '../plugins/response-headers.ts';
import { webhookCalls } from '../webhooks/events.ts';
import { COMPONENT, component, EXAMPLE } from './component.ts';
import { ANSWERS, type Document, type Operation, type Reference, type Schema } from './document-types.ts';

/**
 * Returns the completed document, without zod's default bounds on numbers and lists. Shared objects are copied, because
 * YAML would write them as aliases.
 */
export function completeDocument<T extends object>(given: T): T {
  const document: Document = JSON.parse(JSON.stringify(given));
  document.webhooks = webhookCalls();
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
  for (const operation of operations) {
    if (operation.responses['304'] !== undefined)
      operation.parameters = [...(operation.parameters ?? []), IF_NONE_MATCH];
    addHeaders(operation);
    markOptionalBody(operation);
  }
  document.components.headers = RESPONSE_HEADERS;
  referToComponents(document, operations);
  for (const operation of operations) delete operation[ANSWERS];
  removeUnusedSchemas(document);
  addPageExamples(document.components.schemas);
  sortByName(document.components);
  return JSON.parse(JSON.stringify(document), (key, value) => (isNoise(key, value) ? undefined : value));
}

function isNoise(key: string, value: unknown): boolean {
  if (key === 'readOnly') return true;
  return /^(min|max)imum$/.test(key) && typeof value === 'number' && Math.abs(value) === Number.MAX_SAFE_INTEGER;
}

/** Sorts components by name, because otherwise their order would depend on the order in which modules are loaded. */
function sortByName(components: Document['components']): void {
  for (const kind of ['schemas', 'responses', 'parameters', 'requestBodies'] as const) {
    const parts = Object.entries(components[kind] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    components[kind] = Object.fromEntries(parts);
  }
}

/**
 * Removes components that no route uses. Each component is generated for both input and output, although usually only
 * one is needed.
 */
function removeUnusedSchemas(document: Document): void {
  const { schemas, ...others } = document.components;
  const used = referencesIn({ ...document, components: others });
  // those that are added on the way are visited too
  for (const name of used) for (const nested of referencesIn(schemas[name])) used.add(nested);
  for (const name of Object.keys(schemas)) if (!used.has(name)) delete schemas[name];
}

/** The names of the schemas that a part of the document refers to. */
function referencesIn(part: unknown): Set<string> {
  const references = JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
  return new Set(Array.from(references, ([, name]) => name!));
}

const IF_NONE_MATCH = {
  in: 'header',
  name: 'If-None-Match',
  description:
    'ETags of cached responses, or `*`. If one of the ETags still matches, the response is 304 without a body.',
  required: false,
  schema: { type: 'string', ...component('IfNoneMatch') },
  example: '"3-csv-gzip"',
};

/** Adds headers to the responses that the route declares, and to its error responses. */
function addHeaders({ [ANSWERS]: facts, responses }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    if ('$ref' in response) continue;
    const names = [
      'X-Request-Id',
      ...(facts?.headers[status] ?? []),
      ...headersOfErrors(facts?.errors[status] ?? []),
    ] as const;
    response.headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  }
}

/**
 * Marks a body as optional if its schema is nullable. In the document, `required` is a field of the body, not of the
 * schema.
 */
function markOptionalBody({ requestBody }: Operation): void {
  if (requestBody === undefined || '$ref' in requestBody) return;
  for (const media of Object.values(requestBody.content)) {
    const { anyOf, ...rest } = media.schema;
    const [schema, ...others] = anyOf?.filter(({ type }) => type !== 'null') ?? [];
    if (schema === undefined || others.length > 0) continue;
    requestBody.required = false;
    media.schema = { ...schema, ...rest };
  }
}

/** For each page whose items have an example, adds an example of a first page with one item. */
function addPageExamples(schemas: Readonly<Record<string, Schema>>): void {
  for (const schema of Object.values(schemas)) {
    const { items, next_cursor: cursor } = schema.properties ?? {};
    const item = schemas[items?.items?.$ref?.split('/').at(-1) ?? '']?.examples?.[0];
    if (cursor !== undefined && item !== undefined) schema.examples ??= [{ items: [item], next_cursor: null }];
  }
}

type Kind = 'parameters' | 'requestBodies' | 'responses';

/** Moves named parameters, named bodies and error responses to the components. */
function referToComponents(document: Document, operations: readonly Operation[]): void {
  const { components } = document;
  const refer = (kind: Kind, name: string, part: object): Reference => {
    const parts = new Map(Object.entries(components[kind] ?? {}));
    const known = parts.get(name);
    assert(known === undefined || JSON.stringify(known) === JSON.stringify(part), `one component is named ${name}`);
    components[kind] = Object.fromEntries(parts.set(name, part));
    return { $ref: `#/components/${kind}/${name}` };
  };
  for (const operation of operations) {
    referToParameters(operation, refer);
    referToBodies(operation, refer);
    referToErrors(operation, refer);
  }
}

type Refer = (kind: Kind, name: string, part: object) => Reference;

function referToParameters(operation: Operation, refer: Refer): void {
  const { parameters } = operation;
  if (parameters === undefined) return;
  operation.parameters = parameters.map((parameter) => {
    if ('$ref' in parameter) return parameter;
    const [name, schema] = nameOf(parameter.schema);
    return name === undefined ? parameter : refer('parameters', name, { ...parameter, schema });
  });
}

/**
 * Refers to whole bodies rather than to their schemas, because client generators treat fields with a default as
 * optional only in bodies.
 */
function referToBodies(operation: Operation, refer: Refer): void {
  const { requestBody } = operation;
  if (requestBody === undefined || '$ref' in requestBody) return;
  const names = new Set<string>();
  for (const media of Object.values(requestBody.content)) {
    const [name, { [EXAMPLE]: example, ...schema }] = nameOf(media.schema);
    media.schema = example === undefined ? schema : { ...schema, examples: [example] };
    if (name !== undefined) names.add(name);
  }
  assert(names.size <= 1, 'a body has one name');
  for (const name of names) operation.requestBody = refer('requestBodies', name, requestBody);
}

function referToErrors({ [ANSWERS]: answers, responses }: Operation, refer: Refer): void {
  for (const [status, codes] of Object.entries(answers?.errors ?? {})) {
    const response = responses[status];
    if (response !== undefined) responses[status] = refer('responses', codes.map(inPascalCase).join('Or'), response);
  }
}

/** Returns the component name of a part, and the part without the name. */
function nameOf<P extends { readonly [COMPONENT]?: string }>(part: P): [string | undefined, Omit<P, typeof COMPONENT>] {
  const { [COMPONENT]: name, ...rest } = part;
  return [name, rest];
}

function inPascalCase(code: string): string {
  return code.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
