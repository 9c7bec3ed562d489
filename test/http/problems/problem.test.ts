/** The table of problems, and the conversion of errors. */
import { describe, expect, it } from 'vitest';
import { problemOf, toAppError } from '../../../src/http/problems/problem.ts';
import { type ErrorCode, PROBLEMS } from '../../../src/lib/error-codes/error-codes.ts';
import { AppError } from '../../../src/lib/errors.ts';

const LIMITS = { bodyLimitBytes: 100 };

describe('PROBLEMS', () => {
  it('hides errors of the service itself, except why it is unavailable', () => {
    const shown = Object.entries(PROBLEMS).filter(([, row]) => row.status >= 500 && row.hidden !== true);
    expect(shown.map(([code]) => code)).toEqual(['unavailable']);
  });
});

describe('toAppError', () => {
  it.each<[object, ErrorCode]>([
    [{ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413, message: 'x' }, 'body_too_large'],
    [{ code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415, message: 'x' }, 'unsupported_media_type'],
    [{ code: 'FST_ERR_CTP_INVALID_JSON_BODY', statusCode: 400, message: 'x' }, 'invalid_request'],
    [{ code: 'FST_ERR_BAD_URL', statusCode: 400, message: "'/v1/u1' is not" }, 'invalid_request'],
    [{ code: 'FST_ERR_NOT_FOUND', statusCode: 404, message: 'x' }, 'route_not_found'],
    [{ code: 'SQLITE_FULL', message: 'x' }, 'internal'],
    [new TypeError('x'), 'internal'],
  ])('makes %o one of ours', (error, code) => {
    expect(toAppError(error, LIMITS).code).toBe(code);
  });

  it('makes what is not an error internal too', () => {
    for (const thrown of ['text', 7, undefined, null]) expect(toAppError(thrown, LIMITS).code).toBe('internal');
  });
});

describe('problemOf', () => {
  it('holds no half of a surrogate pair', () => {
    const value = `${'v'.repeat(79)}😀`;
    const details = [
      { pointer: '/a', value, message: '😀'.repeat(300) },
      { pointer: '/\ud83d', value: '\ude00', message: 'm' },
    ];
    const problem = problemOf(new AppError('invalid_request', `x${'😀'.repeat(300)}`, { details }), 'r', 20);
    expect(JSON.stringify(problem)).not.toMatch(/\\ud[89a-f]/i);
    expect(problem.errors[0]).toEqual({
      pointer: '/a',
      value: `${'v'.repeat(79)}…`,
      message: `${'😀'.repeat(250)}…`,
    });
  });

  it('holds details and facts, shortened and counted', () => {
    const details = [
      { pointer: '/a', value: 'v'.repeat(500), message: 'm'.repeat(600) },
      { pointer: '/b', value: [1, 2], limit: 1, message: 'too long' },
      { pointer: '/c', value: { x: 1 }, message: 'an object' },
      { pointer: '/d', message: 'left out' },
    ];
    const error = new AppError('invalid_request', 'wrong', {
      details,
      facts: { state: 'queued', status: 7, code: 'x' },
    });
    expect(problemOf(error, 'r1', 3)).toEqual({
      type: '/docs/errors/invalid_request',
      title: 'The request is not valid',
      status: 400,
      detail: 'wrong (and 1 more)',
      code: 'invalid_request',
      request_id: 'r1',
      state: 'queued',
      errors: [
        { pointer: '/a', value: `${'v'.repeat(80)}…`, message: `${'m'.repeat(500)}…` },
        { pointer: '/b', value: 'a list of 2', limit: 1, message: 'too long' },
        { pointer: '/c', value: 'an object', message: 'an object' },
      ],
    });
  });

  it('shows a number that JSON reads as infinite as text: JSON cannot write it', () => {
    const details = [{ pointer: '/a', value: JSON.parse('-1e999'), message: 'm' }];
    expect(problemOf(new AppError('invalid_request', 'wrong', { details }), 'r1', 3).errors).toMatchObject([
      { value: '-Infinity' },
    ]);
  });

  it('hides message, details and facts of an internal error', () => {
    const error = new AppError('storage_failed', '/secret/path', {
      details: [{ pointer: '/secret', message: 'secret' }],
      facts: { path: 'secret' },
    });
    expect(JSON.stringify(problemOf(error, 'r1', 3))).not.toContain('secret');
  });
});
