/** The response of `GET /v1/limits`: configurable and fixed limits that callers may need to know. */
import { KEY_LIFETIME_MS } from '../../domain/idempotency.ts';
import { snakeCase, variableOf } from '../../lib/limits.ts';
import { SERVER_LIMITS, type ServerLimits } from '../limits.ts';
import { MAXIMUM_JSON_DEPTH } from '../plugins/json/json-text.ts';
import { MAXIMUM_IDEMPOTENCY_KEY_LENGTH } from '../plugins/limits.ts';

interface PublishedLimit {
  readonly name: string;
  readonly value: number;
  /** The environment variable that sets the limit; null if the limit is fixed. */
  readonly variable: string | null;
  readonly description: string;
}

/** Published limits that are defined as constants in other files. */
const CONSTANTS: readonly Omit<PublishedLimit, 'variable'>[] = [
  {
    name: 'idempotency_key_lifetime_ms',
    value: KEY_LIFETIME_MS,
    description: 'Milliseconds for which the response to an Idempotency-Key is kept.',
  },
  {
    name: 'maximum_idempotency_key_length',
    value: MAXIMUM_IDEMPOTENCY_KEY_LENGTH,
    description: 'Maximum number of characters in an Idempotency-Key.',
  },
  {
    name: 'maximum_json_depth',
    value: MAXIMUM_JSON_DEPTH,
    description: 'Maximum nesting depth of lists and objects in a JSON body.',
  },
  {
    name: 'minimum_refresh_ms',
    value: 60_000,
    description: 'Shortest interval of a refresh policy, in milliseconds (1m).',
  },
];

/** The published limits with their current values, as JSON. */
export function presentLimits(limits: ServerLimits): PublishedLimit[] {
  const rows = Object.entries(SERVER_LIMITS).filter(([, { published }]) => published);
  const own = rows.map(([name, { isSetting, description }]) => ({
    name: snakeCase(name),
    value: limits[name as keyof ServerLimits],
    variable: isSetting ? variableOf(name) : null,
    description,
  }));
  return [...own, ...CONSTANTS.map((limit) => ({ ...limit, variable: null }))];
}
