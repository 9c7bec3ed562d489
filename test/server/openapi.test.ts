/** The document of the API: complete, and the same as the committed file. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openApiDocument, openApiYaml } from '../../src/server/app.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: unknown }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const document = (await openApiDocument()) as Document;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
);

describe('openApiDocument', () => {
  it('is OpenAPI 3.1 and names every route', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(operations.map(({ name }) => name)).toEqual([
      'post /v1/campaigns',
      'get /v1/campaigns',
      'get /v1/campaigns/{id}',
      'get /v1/campaigns/{id}/audience',
      'get /v1/campaigns/{id}/audience/members/{user_id}',
      'get /v1/campaigns/{id}/model',
      'get /livez',
      'get /readyz',
      'get /metrics',
      'get /docs/errors',
      'get /docs/errors/{code}',
    ]);
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

  it('refers only to schemas that it has, and has none that nothing refers to', () => {
    const text = JSON.stringify(document);
    const named = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
    expect([...new Set(named)].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });
});

describe('openApiYaml', () => {
  it('holds the same document, and is what openapi.yaml holds', async () => {
    const yaml = await openApiYaml();
    expect(parse(yaml)).toEqual(JSON.parse(JSON.stringify(document)));
    expect(yaml).toBe(readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8'));
  });
});
