/** What the OpenAPI document says beside the schemas of the routes: headers, conditional requests, errors of bodies, calls of webhooks, examples of pages. */

import { PROBLEMS } from '../lib/error-codes.ts';
import { assert, type ErrorCode } from '../lib/errors.ts';
import { PROBLEM_TYPE } from './problems/problem.ts';
import { headersOf, OPERATIONS_WITH_HEADERS, RESPONSE_HEADERS } from './response-headers.ts';
import { webhookCalls } from './webhook-events.ts';

interface Response {
  readonly description: string;
  headers?: object;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Record<string, Response>;
  parameters?: object[];
  readonly requestBody?: { required?: boolean; readonly content: Record<string, { schema: BodySchema }> };
}

/** A body that may be left out is one that may be null to its route. */
interface BodySchema {
  readonly anyOf?: readonly { readonly type?: string }[];
  readonly examples?: readonly unknown[];
}

interface Schema {
  readonly properties?: Readonly<Record<string, { readonly items?: { readonly $ref?: string } }>>;
  examples?: readonly unknown[];
}

/** The parts of a document that are looked at or added. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  webhooks?: object;
  readonly components: { readonly schemas: Record<string, Schema>; headers?: object };
}

/** The document with all that. */
export function completeDocument<T extends object>(given: T): T {
  const completed = structuredClone(given);
  const document = completed as unknown as Document;
  document.webhooks = webhookCalls();
  removeUnusedSchemas(document);
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
  for (const { path, method, operation } of operations) {
    if (['post', 'put', 'patch', 'delete'].includes(method)) addErrors(operation, BODY_ERRORS);
    else if (path.startsWith('/v1/')) addErrors(operation, ['invalid_request']);
    if (operation.responses['304'] !== undefined)
      operation.parameters = [...(operation.parameters ?? []), IF_NONE_MATCH];
    addHeaders(operation);
    markOptionalBody(operation);
  }
  const ids = operations.map(({ operation }) => operation.operationId);
  assert(
    OPERATIONS_WITH_HEADERS.every((id) => ids.includes(id)),
    'headers are of operations that there are',
  );
  document.components.headers = RESPONSE_HEADERS;
  addPageExamples(document.components.schemas);
  return completed;
}

/** Components that no route names: each comes twice, for input too. */
function removeUnusedSchemas(document: Document): void {
  const { schemas } = document.components;
  const isUnused = (name: string) => !JSON.stringify(document).includes(`"#/components/schemas/${name}"`);
  for (let unused = Object.keys(schemas).filter(isUnused); unused.length > 0; ) {
    for (const name of unused) delete schemas[name];
    unused = Object.keys(schemas).filter(isUnused);
  }
}

/** What is wrong with a body, or a query name, is found before the route is asked, also where the route takes none. */
const BODY_ERRORS = ['invalid_request', 'request_timeout', 'body_too_large', 'unsupported_media_type'] as const;

function addErrors({ responses }: Operation, codes: readonly ErrorCode[]): void {
  for (const code of codes) responses[PROBLEMS[code].status] ??= problemResponse(code);
}

function problemResponse(code: ErrorCode): Response & { readonly content: object } {
  return { description: code, content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } } };
}

const IF_NONE_MATCH = {
  in: 'header',
  name: 'If-None-Match',
  description:
    'ETags of answers that are kept, or `*`: where one of them is still right, the answer is 304, without a body.',
  required: false,
  schema: { type: 'string' },
  example: '"3-csv-gzip"',
};

function addHeaders({ operationId, responses }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    // the description of an error answer lists its codes
    const names = headersOf(operationId, status, Number(status) < 400 ? [] : response.description.split(', '));
    response.headers = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  }
}

/** `nullable` in a route's schema says that the body may be left out: the document says it of the body. */
function markOptionalBody({ requestBody }: Operation): void {
  for (const media of Object.values(requestBody?.content ?? {})) {
    const { anyOf, ...rest } = media.schema;
    const [schema, ...others] = anyOf?.filter(({ type }) => type !== 'null') ?? [];
    if (requestBody === undefined || schema === undefined || others.length > 0) continue;
    requestBody.required = false;
    media.schema = { ...schema, ...rest };
  }
}

/** A page of what has an example has one too: the first page, with one item. */
function addPageExamples(schemas: Readonly<Record<string, Schema>>): void {
  for (const schema of Object.values(schemas)) {
    const { items, next_cursor: cursor } = schema.properties ?? {};
    const item = schemas[items?.items?.$ref?.split('/').at(-1) ?? '']?.examples?.[0];
    if (cursor !== undefined && item !== undefined) schema.examples ??= [{ items: [item], next_cursor: null }];
  }
}
