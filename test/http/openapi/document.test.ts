/** The document of the API: complete, and the same as the committed file. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openApiDocument, openApiYaml } from '../../../src/http/app.ts';
import { type JsonSchema, readApiDocument } from '../../fixture/api-document.ts';

const written = await openApiDocument();
const document = await readApiDocument();
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
);

describe('openApiDocument', () => {
  it('says what may be left out: a key when the service asks for none, and the body of a rotation', () => {
    const { security, paths } = document as unknown as {
      readonly security: readonly object[];
      readonly paths: Record<string, Record<string, { readonly requestBody?: { readonly required: boolean } }>>;
    };
    expect(security).toEqual([{ key: [] }, {}]);
    const optional = Object.entries(paths).flatMap(([path, item]) =>
      Object.values(item).flatMap(({ requestBody }) => (requestBody?.required === false ? [path] : [])),
    );
    expect(optional).toEqual(['/v1/webhooks/{id}/rotate']);
  });

  it('is OpenAPI 3.1, and names each operation once', () => {
    expect(document.openapi).toBe('3.1.0');
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.length).toBeGreaterThan(50);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('describes each operation, and every error with the one problem schema', () => {
    for (const { name, path, operation } of operations) {
      expect([name, operation.operationId, operation.summary]).toEqual([name, expect.any(String), expect.any(String)]);
      const errors = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
      if (path.startsWith('/v1'))
        expect(errors.map(([status]) => status)).toEqual(expect.arrayContaining(['401', '500']));
      for (const [, { content }] of errors) {
        expect(content).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } });
      }
    }
  });

  it('documents the headers of every answer, with words and a schema', () => {
    const { headers } = document.components;
    for (const [name, header] of Object.entries(headers))
      expect([name, header]).toEqual([
        name,
        {
          description: expect.any(String),
          required: expect.any(Boolean),
          schema: expect.any(Object),
          example: expect.anything(),
        },
      ]);
    const used = operations.flatMap(({ name, operation }) =>
      Object.entries(operation.responses).flatMap(([status, response]) => {
        const names = Object.entries(response.headers ?? {}).map(([key, { $ref }]) => {
          expect($ref).toBe(`#/components/headers/${key}`);
          return key;
        });
        expect([name, status, names]).toEqual([name, status, expect.arrayContaining(['X-Request-Id'])]);
        if (status === '401') expect(names).toContain('WWW-Authenticate');
        if (status === '503') expect(names).toContain('Retry-After');
        return names;
      }),
    );
    expect([...new Set(used)].sort()).toEqual(Object.keys(headers).sort());
  });

  it('has the parameter If-None-Match where 304 is an answer, and nowhere else', () => {
    const heeding = operations.filter(({ operation }) => operation.responses['304'] !== undefined);
    expect(heeding.length).toBe(4);
    const naming = operations.filter(({ operation }) =>
      operation.parameters?.some((one) => one.in === 'header' && one.name === 'If-None-Match'),
    );
    expect(naming).toEqual(heeding);
  });

  it('has an example for every JSON, NDJSON and CSV answer', () => {
    const without = operations.flatMap(({ name, operation }) =>
      Object.entries(operation.responses).flatMap(([status, { content }]) =>
        Object.entries(content ?? {})
          .filter(([type]) => /json|csv/.test(type))
          .filter(([, { schema }]) => !Array.isArray(resolved(schema)['examples']))
          .map(([type]) => `${name} ${status} ${type}`),
      ),
    );
    expect(without).toEqual([]);
  });

  it('has an example for every body', () => {
    const without = operations.flatMap(({ name, operation }) =>
      Object.entries(operation.requestBody?.content ?? {})
        .filter(([, media]) => !('example' in media || 'examples' in media || 'examples' in resolved(media.schema)))
        .map(([type]) => `${name} ${type}`),
    );
    expect(without).toEqual([]);
  });

  it('describes every field whose name does not say what it is, and what null means', () => {
    const bodies = operations.flatMap(({ name, operation }) =>
      Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => [name, schema] as const),
    );
    const all = [...Object.entries(document.components.schemas), ...bodies];
    expect(all.flatMap(([name, schema]) => fieldsWithoutWords(schema, name))).toEqual([]);
  });

  it('refuses unknown fields in every object of a JSON body', () => {
    const loose = operations.flatMap(({ name, operation }) =>
      Object.entries(operation.requestBody?.content ?? {})
        .filter(([type]) => /[/+]json$/.test(type))
        .flatMap(([, { schema }]) => looseObjects(schema, name)),
    );
    expect(loose).toEqual([]);
  });

  it('gives every time as RFC 3339', () => {
    const times = Object.entries(document.components.schemas).flatMap(([name, schema]) => timesOf(schema, name));
    expect(times.length).toBeGreaterThan(1);
    expect(times.filter(({ format }) => format !== 'date-time')).toEqual([]);
  });

  it('refers only to components that it has, and has none that nothing refers to', () => {
    const named = [...JSON.stringify(written).matchAll(/#\/components\/(\w+\/[\w-]+)/g)].map(([, name]) => name);
    const components = Object.entries(document.components).flatMap(([kind, parts]) =>
      kind === 'securitySchemes' ? [] : Object.keys(parts).map((name) => `${kind}/${name}`),
    );
    expect([...new Set(named)].sort()).toEqual(components.sort());
  });

  it('refers to the answer of an error, and to the body of a request', () => {
    const { paths } = written as { readonly paths: Record<string, Record<string, Record<string, unknown>>> };
    const { requestBody, responses } = paths['/v1/campaigns']!['post']!;
    expect(requestBody).toEqual({ $ref: '#/components/requestBodies/CampaignCreate' });
    expect(responses).toMatchObject({
      409: { $ref: '#/components/responses/ExternalIdTakenOrIdempotencyKeyReused' },
      503: { $ref: '#/components/responses/UnavailableOrStorageFailedOrDatabaseLost' },
    });
    const errors = Object.values(paths).flatMap((item) =>
      Object.values(item).flatMap((operation) =>
        Object.entries(operation['responses'] as object).filter(([status]) => Number(status) >= 400),
      ),
    );
    expect(errors.filter(([, response]) => Object.keys(response).join() !== '$ref')).toEqual([]);
  });

  it("has the package's version", () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(written).toMatchObject({ info: { version } });
  });
});

describe('openApiYaml', () => {
  it('holds the same document, and is what openapi.yaml holds', async () => {
    const yaml = await openApiYaml();
    expect(parse(yaml)).toEqual(JSON.parse(JSON.stringify(written)));
    expect(yaml).toBe(readFileSync(new URL('../../../openapi.yaml', import.meta.url), 'utf8'));
  });
});

function resolved(schema: JsonSchema): JsonSchema {
  const { $ref } = schema;
  return typeof $ref === 'string' ? document.components.schemas[$ref.split('/').at(-1)!]! : schema;
}

/** Pointers to objects with named fields that accept other fields too. */
function looseObjects(schema: JsonSchema, place: string): string[] {
  if (schema['$ref'] !== undefined) return looseObjects(resolved(schema), place);
  const { properties, additionalProperties } = schema;
  const inner = childrenOf(schema).flatMap(([name, child]) => looseObjects(child, `${place}/${name}`));
  return properties !== undefined && additionalProperties !== false ? [place, ...inner] : inner;
}

/** Names that say what the field is, unless it may be null. */
const PLAIN = /^(id|name|items|data|message|type|users|mean|version)$|_(id|at|version)$/;

/** Pointers to fields without a description. Objects need none, because their fields have one. */
function fieldsWithoutWords(schema: JsonSchema, place: string): string[] {
  const fields = new Map(Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>));
  return childrenOf(schema).flatMap(([name, child]) => {
    const inner = fieldsWithoutWords(child, `${place}/${name}`);
    const field = fields.get(name);
    if (field !== child || field['type'] === 'null' || 'const' in field) return inner;
    const parts = [field, ...childrenOf(field).map(([, part]) => part)];
    const isObject = parts.some((part) => '$ref' in part || 'properties' in part);
    const isNullable = parts.some(({ type }) => type === 'null' || (Array.isArray(type) && type.includes('null')));
    const words = parts.map(({ description = '' }) => description).join();
    const isPlain = isObject || PLAIN.test(name) || words.length > parts.length;
    return (isNullable ? words.includes('null') : isPlain) ? inner : [`${place}/${name}`, ...inner];
  });
}

/** The schemas of fields that are times by their name. */
function timesOf(schema: JsonSchema, place: string): { readonly place: string; readonly format: unknown }[] {
  return childrenOf(schema).flatMap(([name, child]) => [
    ...(/_at$|^created$|^time$/.test(name) ? [{ place: `${place}/${name}`, format: formatOf(child) }] : []),
    ...timesOf(child, `${place}/${name}`),
  ]);
}

function formatOf(schema: JsonSchema): unknown {
  return schema['format'] ?? childrenOf(schema).map(([, child]) => formatOf(child))[0];
}

function childrenOf(schema: JsonSchema): [string, JsonSchema][] {
  const named = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const lists = ['anyOf', 'oneOf', 'allOf'].flatMap((key) => Object.entries((schema[key] ?? []) as JsonSchema[]));
  const single = ['items', 'additionalProperties'].map((key) => [key, schema[key]] as const);
  return [
    ...named,
    ...lists,
    ...single.filter((entry): entry is [string, JsonSchema] => typeof entry[1] === 'object' && entry[1] !== null),
  ];
}
