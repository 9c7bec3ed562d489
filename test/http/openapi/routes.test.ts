/** The pages of the error codes: one for each code, found by the `type` of a problem. */
import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../../src/lib/error-codes/error-codes.ts';
import { importUsers, openFixture } from '../fixture.ts';

const population = await importUsers(['u1', 'u2']);
const server = await openFixture(population, { apiKey: 'a-key-of-16-chars' });

const CODES = Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[];

describe('GET /docs/errors', () => {
  it('lists every code of the table with its page, without a key, as HTML and as JSON', async () => {
    const json = await server.call('GET', '/docs/errors', undefined, { accept: 'application/json' });
    expect(json.status).toBe(200);
    expect(json.json.items.map(({ code }: { code: string }) => code).sort()).toEqual([...CODES].sort());
    const html = await server.call('GET', '/docs/errors', undefined, { accept: 'text/html,*/*;q=0.8' });
    expect([html.status, html.type]).toEqual([200, 'text/html; charset=utf-8']);
    const links = [...html.text.matchAll(/href="([^"]+)"/g)].map(([, link]) => link);
    expect(links.sort()).toEqual(CODES.map((code) => `/docs/errors/${code}`).sort());
  });

  it.each(CODES)('has a page that says what %s means and what to do', async (code) => {
    const path = `/docs/errors/${code}`;
    const html = await server.call('GET', path);
    const { status, title, meaning, advice } = PROBLEMS[code];
    expect(html.status).toBe(200);
    for (const text of [code, String(status), title, meaning, advice]) {
      expect(html.text).toContain(text.replaceAll('<', '&lt;').replaceAll('>', '&gt;'));
    }
    expect(html.text).not.toMatch(/<script|<link|src=/);
    const { json } = await server.call('GET', path, undefined, { accept: 'application/json' });
    expect(json).toMatchObject({ code, status, title, meaning, advice });
    expect(json.example).toMatchObject({ type: path, code, status });
    expect([meaning.length, advice.length].every((length) => length > 20)).toBe(true);
  });

  it('is where the type of a problem points', async () => {
    const refused = await server.call('GET', '/v1/campaigns');
    expect(refused.json.type).toBe('/docs/errors/unauthorized');
    expect((await server.call('GET', refused.json.type)).text).toContain('<h1>unauthorized</h1>');
  });

  it('has no page of what is not a code', async () => {
    for (const name of ['nonsense', 'toString', '%3Cscript%3E']) {
      const answer = await server.call('GET', `/docs/errors/${name}`);
      expect([answer.status, answer.json.code]).toEqual([404, 'route_not_found']);
    }
  });

  it('leaves the page of the API where it was', async () => {
    const page = await server.call('GET', '/docs/');
    expect([page.status, page.type.split(';')[0]]).toEqual([200, 'text/html']);
    expect((await server.call('GET', '/docs/json')).json.openapi).toBe('3.1.0');
  });
});
