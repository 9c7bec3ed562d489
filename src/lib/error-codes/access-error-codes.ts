/** The error codes for API keys. They are rows of `error-codes.ts`. */
import type { ProblemRow } from './problem-row.ts';

export const ACCESS_ROWS = {
  unauthorized: {
    status: 401,
    title: 'An API key is required',
    meaning: 'The service requires an API key. The request has no key, or its key is wrong, expired or revoked.',
    advice:
      'Send Authorization: Bearer <key>. The operator creates keys with `metaheac keys create` or POST /v1/keys; ' +
      'the value of METAHEAC_API_KEY is also a key.',
  },
  forbidden: {
    status: 403,
    title: 'The API key does not allow this request',
    meaning:
      'The key is valid, but its scope is too small (`required_scope` is the minimum), or the key gives access ' +
      'only to campaigns with certain labels.',
    advice: 'Use another key, or ask the operator for a key with the required scope.',
  },
  key_not_found: {
    status: 404,
    title: 'There is no such API key',
    meaning: 'There is no API key with this id. The id is the first part of the key, up to the second underscore.',
    advice: 'GET /v1/keys lists all keys, including revoked ones.',
  },
  too_many_keys: {
    status: 409,
    title: 'There are too many API keys',
    meaning: 'The service has reached its maximum number of API keys.',
    advice: 'Revoke a key that is not needed. The limit is fixed.',
  },
} as const satisfies Readonly<Record<string, ProblemRow>>;
