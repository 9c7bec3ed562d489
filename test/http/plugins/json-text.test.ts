/** JSON bodies: faults are described in words, and no body blocks other requests for long. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault } from '../../../src/http/plugins/json/json-names.ts';
import { parseJson } from '../../../src/http/plugins/json/json-text.ts';
import { watchEventLoop } from '../../fixture/event-loop.ts';
import { importUsers, OK_BODY, openFixture } from '../fixture.ts';

const population = await importUsers();
const server = await openFixture(population);
const id = await server.createReady();

const parse = (text: string) => parseJson(Buffer.from(text), text);
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('parseJson', () => {
  it.each(['{"a":[1,{"b":"[[{{\\"[["}]}', '"\\\\"', ' 1 ', '{"constructor":"x","proto":1,"prototype":{}}', nested(32)])(
    'reads %s as JSON does',
    (text) => expect(parse(text)).toEqual(JSON.parse(text)),
  );

  it.each([
    ['{"a":1,}', 'the body is not valid JSON'],
    ['{"__proto__":1}', 'the body is not valid: /__proto__: no object may have the field __proto__'],
    [
      '{"a":[0,{"\\u005f_pro\\u0074o__":{}}]}',
      'the body is not valid: /a/1/__proto__: no object may have the field __proto__',
    ],
    [
      '{"constructor":{"prototype":{}}}',
      'the body is not valid: /constructor: no object may have the field constructor',
    ],
    [
      '{"\\u0063onstructor":{"prototype":{}}}',
      'the body is not valid: /constructor: no object may have the field constructor',
    ],
    [nested(33), 'lists and objects may be nested at most 32 levels deep'],
    [`${'{"a":['.repeat(17)}${']}'.repeat(17)}`, 'lists and objects may be nested at most 32 levels deep'],
  ])('refuses %s', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid_request', message }));
  });
});

describe('findJsonFault', () => {
  const faultOf = (text: string) => findJsonFault(text, JSON.parse(text));
  const twice = 'the name occurs twice in its object';
  const half = 'unpaired surrogates are not allowed';

  it.each([
    '{}',
    '[]',
    '1',
    '":"',
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":":"}]}',
    '{"a:b":1,"a\\"b":":","\\\\":"\\\\:"}',
    '{"\\ud83d\\ude00":"\\uD83D\\uDE00"}',
    '{"__proto__":1,"constructor":{"prototype":1}}',
  ])('finds nothing in %s', (text) => {
    expect(faultOf(text)).toBeNull();
  });

  it.each([
    ['{"a":1,"a":1}', '/a', twice],
    ['{"a":1,"\\u0061":2}', '/a', twice],
    ['{"":1,"":2}', '/', twice],
    [' { "x" : [ 0 , "}" , { "a/b" : 1 , "c" : ":" , "a/b" : [ ] } ] } ', '/x/2/a~1b', twice],
    ['[{"a":1},{"b":{},"c":[],"b":null}]', '/1/b', twice],
    ['{"__proto__":1,"__proto__":2}', '/__proto__', twice],
    ['{"1":true,"2":-1.5e3,"1":false}', '/1', twice],
    ['"\\ud800"', '', half],
    ['{"a":["x","\\udc00\\ud800"]}', '/a/1', half],
    ['{"labels":{"\\uDFFF":"x"}}', '/labels/\udfff', half],
  ])('finds it in %s', (text, pointer, message) => {
    expect(faultOf(text)).toEqual({ pointer, message });
  });

  it('agrees with a look at every object', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('1', 'null', '"a:b"', '"\\\\"', '"\\""', '"{"'),
        fc.array(tie('any'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
        fc
          .array(fc.tuple(fc.constantFrom('"a"', '"b:"', '"\\u0061"', '"c\\""'), tie('any')), { maxLength: 3 })
          .map((pairs) => `{${pairs.map(([name, one]) => `${name}:${one}`).join(' ,')}}`),
      ),
    })).any as fc.Arbitrary<string>;
    fc.assert(
      fc.property(value, (text) => {
        expect(faultOf(text) !== null).toBe(hasRepeat(text));
      }),
    );
  });
});

/** The innermost objects of the text one after another, each looked at and then put out of the way. */
function hasRepeat(text: string): boolean {
  // strings that are no names lose what has a meaning outside of strings
  let rest = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, (one) => JSON.stringify(encodeURIComponent(JSON.parse(one))));
  for (;;) {
    const inner = /\{([^{}]*)\}/.exec(rest);
    if (inner === null) return false;
    const names = [...inner[1]!.matchAll(/"([^"]*)":/g)].map(([, name]) => name);
    if (new Set(names).size < names.length) return true;
    rest = rest.replace(inner[0], '0');
  }
}

describe('a body', () => {
  it('with a name twice is refused, with its place', async () => {
    const text = JSON.stringify(OK_BODY).replace('"name":', '"name":"other","name":');
    const { status, json } = await server.call('POST', '/v1/campaigns', text);
    expect([status, json.code, json.errors]).toMatchObject([400, 'invalid_request', [{ pointer: '/name' }]]);
  });

  it.each([
    ['a name twice', '{"user_id":"u1","event":"click","user_id":"u2"}', '/user_id: the name occurs twice'],
    ['a deep value', `{"user_id":"u1","event":"click","x":${nested(900)}}`, 'nested at most 32 levels deep'],
  ])('of lines names the line of %s', async (_name, line, message) => {
    const headers = { 'content-type': 'application/x-ndjson' };
    for (const [method, path] of [
      ['POST', `/v1/campaigns/${id}/feedback`],
      ['PUT', `/v1/campaigns/${id}/suppression`],
    ] as const) {
      const { status, json } = await server.call(method, path, `\n${line}\n`, headers);
      expect([status, json.code]).toEqual([400, 'invalid_request']);
      expect(json.errors[0]).toMatchObject({ pointer: 'line 2', message: expect.stringContaining(message) });
    }
  });

  it('may be an empty object when none is needed', async () => {
    expect((await server.call('POST', `/v1/campaigns/${id}/expansions`, {})).status).toBe(202);
    const hook = await server.call('POST', '/v1/webhooks', { url: 'https://example.com/', events: ['campaign.ready'] });
    const path = `/v1/webhooks/${hook.json.id}`;
    expect((await server.call('POST', `${path}/rotate`, {})).status).toBe(200);
    expect((await server.call('POST', `${path}/ping`, {})).status).toBe(202);
    expect((await server.call('DELETE', path, {})).status).toBe(204);
    const more = await server.call('POST', `/v1/campaigns/${id}/expansions`, { a: 1 });
    expect([more.status, more.json.detail]).toEqual([400, 'no body is expected']);
    expect((await server.call('POST', `/v1/campaigns/${id}/expansions`, [])).status).toBe(400);
  });

  const feedback = (time: unknown) =>
    ['POST', `/v1/campaigns/${id}/feedback`, { events: [{ user_id: 'u', event: 'click', time }] }] as const;
  it.each([
    [() => ['POST', '/v1/campaigns', { ...OK_BODY, name: 7 }] as const, '/name', 'a string is expected'],
    [() => ['POST', '/v1/campaigns', { ...OK_BODY, name: '' }] as const, '/name', 'at least 1 character is expected'],
    [
      () => feedback('2026-11-25'),
      '/events/0/time',
      'this is a date: a time is expected, such as 2026-11-25T12:00:00Z',
    ],
    [
      () => feedback('2026-11-25T12:00:00'),
      '/events/0/time',
      'this time has no UTC offset: it must end in Z or in an offset such as +01:00, as in 2026-11-25T12:00:00Z',
    ],
    [
      () => feedback('yesterday'),
      '/events/0/time',
      'an RFC 3339 time is expected, such as 2026-11-25T12:00:00Z or 2026-11-25T13:00:00+01:00',
    ],
    [
      () => ['POST', `/v1/campaigns/${id}/feedback`, { events: [{ user_id: 'u', event: 'x' }] }] as const,
      '/events/0/event',
      'one of "conversion", "click", "dismissal" is expected',
    ],
  ])('is told in a sentence what is wrong (%#)', async (make, pointer, message) => {
    const [method, path, body] = make();
    const { status, json } = await server.call(method, path, body);
    expect(status).toBe(400);
    expect(json.errors[0]).toMatchObject({
      pointer,
      message: message,
    });
    expect(json.detail).not.toMatch(/Invalid|Too (small|big)|received/);
  });

  it.each([
    ['deep lists', '/v1/campaigns', nested(4_000_000), 400],
    ['deep objects', '/v1/campaigns', `${'{"a":'.repeat(1_300_000)}1${'}'.repeat(1_300_000)}`, 400],
    [
      'many unknown features',
      '/v1/campaigns',
      JSON.stringify({
        ...OK_BODY,
        features: Object.fromEntries(Array.from({ length: 400_000 }, (_, i) => [`k${i}`, 'x'])),
      }),
      400,
    ],
    [
      'as many seeds as may be',
      '/v1/campaigns',
      JSON.stringify({ ...OK_BODY, seeds: Array.from({ length: 100_000 }, (_, i) => `${'x'.repeat(60)}${i}`) }),
      202,
    ],
  ])('of 8 MB does not stop others for a second (%s)', async (_name, url, body, status) => {
    const watch = watchEventLoop();
    try {
      expect((await server.call('POST', url, body)).status).toBe(status);
      expect(await watch.longestMs()).toBeLessThan(1_000);
    } finally {
      watch.end();
    }
  });
});
