/** The check of responses against the OpenAPI document: accepts documented responses and finds all others. */
import { describe, expect, it } from 'vitest';
import { type Exchange, openContract } from '../../fixture/api-document.ts';

const contract = await openContract();

const alive: Exchange = {
  method: 'GET',
  url: '/livez?x=1',
  status: 200,
  headers: { 'x-request-id': 'r1', 'content-type': 'application/json; charset=utf-8' },
  text: '{"status":"alive"}',
};
const problem = {
  type: '/docs/errors/campaign_not_found',
  title: 't',
  status: 404,
  detail: 'd',
  code: 'campaign_not_found',
  request_id: 'r1',
  errors: [],
};
const missing: Exchange = {
  method: 'GET',
  url: '/v1/campaigns/x',
  status: 404,
  headers: { 'x-request-id': 'r1', 'content-type': 'application/problem+json' },
  text: JSON.stringify(problem),
};

const notModified: Exchange = {
  method: 'GET',
  url: '/v1/campaigns/x/audience',
  status: 304,
  headers: {
    'x-request-id': 'r1',
    etag: '"1-json"',
    vary: 'accept, accept-encoding',
    'cache-control': 'private, no-cache',
    'x-audience-version': '1',
  },
  text: '',
};
const withHeader = (exchange: Exchange, name: string, value: unknown): Exchange => ({
  ...exchange,
  headers: { ...exchange.headers, [name]: value },
});

describe('findFault', () => {
  it.each<[string, Exchange]>([
    ['an answer', alive],
    ['an answer of HEAD', { ...alive, method: 'HEAD', text: '' }],
    ['a problem', missing],
    ['an answer with all its headers', notModified],
    ['a header that nobody asks about', withHeader(alive, 'date', 'today')],
    ['a problem of an unknown route', { ...missing, url: '/nowhere' }],
    ['a problem of a method that is not there', { ...missing, method: 'PUT', status: 405 }],
    ['a page of the document', { ...alive, url: '/docs/static/index.css', text: 'x' }],
  ])('passes %s', (_, exchange) => {
    expect(contract.findFault(exchange)).toBeNull();
  });

  it.each<[string, Exchange, RegExp]>([
    ['no request id', { ...alive, headers: { 'content-type': 'application/json' } }, /no x-request-id/],
    ['an undocumented header', withHeader(alive, 'location', '/'), /no header location/],
    ['a header that is missing', withHeader(notModified, 'etag', undefined), /has no etag/],
    ['a header that is no number', withHeader(notModified, 'x-audience-version', 'first'), /x-audience-version: /],
    ['a header of another form', withHeader(notModified, 'etag', '1-json'), /etag: .*pattern/],
    ['an undocumented status', { ...alive, status: 201 }, /no such status/],
    ['an undocumented type', { ...alive, headers: { ...alive.headers, 'content-type': 'text/html' } }, /no text\/html/],
    ['another shape', { ...alive, text: '{"status":"asleep"}' }, /must be equal to constant/],
    ['another field', { ...alive, text: '{"status":"alive","more":1}' }, /additional properties/],
    ['a response that is not JSON', { ...alive, text: 'alive' }, /is not JSON/],
    [
      'another request id',
      { ...missing, text: JSON.stringify({ ...problem, request_id: 'r2' }) },
      /another request id/,
    ],
    ['a code that is none', { ...missing, text: JSON.stringify({ ...problem, code: 'gone' }) }, /allowed values/],
    ['a good answer of an unknown route', { ...alive, url: '/v2/livez' }, /no such operation/],
  ])('finds %s', (_, exchange, fault) => {
    expect(contract.findFault(exchange)).toMatch(fault);
  });
});
