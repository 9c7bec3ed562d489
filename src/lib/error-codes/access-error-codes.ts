/** The error codes of keys: see error-codes.ts. */
import type { ProblemRow } from './problem-row.ts';

export const ACCESS_ROWS = {
  unauthorized: {
    status: 401,
    title: 'An API key is needed',
    meaning: 'The service needs an API key, and the request has none, or one that is wrong, expired or revoked.',
    advice:
      'Send Authorization: Bearer <key>. The operator makes keys with `metaheac keys create`, or POST /v1/keys; the ' +
      'value of METAHEAC_API_KEY is one too.',
  },
  forbidden: {
    status: 403,
    title: 'The API key does not allow this',
    meaning:
      'The key is valid, but its scope is too small (required_scope is the one that is needed), or it only sees ' +
      'campaigns of certain labels.',
    advice: 'Use another key, or ask the operator for one of the scope that is needed.',
  },
  key_not_found: {
    status: 404,
    title: 'There is no such API key',
    meaning: 'There is no API key with this id. An id is what a key begins with, up to the second underscore.',
    advice: 'GET /v1/keys lists all keys, revoked ones too.',
  },
  too_many_keys: {
    status: 409,
    title: 'There are too many API keys',
    meaning: 'The service has as many API keys as it allows.',
    advice: 'Revoke one that is not needed, or ask the operator for a higher limit.',
  },
} as const satisfies Readonly<Record<string, ProblemRow>>;
