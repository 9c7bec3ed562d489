/** The kind of IDs in a list: user IDs, or typed identifiers that the service hashes by a rule. */
import type { UserSet } from '../api/types.ts';

type Matched = NonNullable<UserSet['identifiers']>[number];

/** Query parameters of an upload of identifiers. */
interface IdentifierQuery {
  readonly identifier?: string;
  readonly rule?: Matched['rule'];
}

const TYPES: readonly (readonly [string, string, readonly Matched['rule'][]])[] = [
  ['email', 'E-mail addresses', ['adcp', 'uid2', 'google', 'liveramp-sha256', 'liveramp-md5', 'liveramp-sha1']],
  ['phone', 'Phone numbers', ['adcp', 'meta', 'liveramp-sha1']],
  ['maid', 'Device IDs', ['sha256']],
  ['uid2', 'UID2', ['sha256']],
  ['rampid', 'RampID', ['sha256']],
];

const KINDS = TYPES.flatMap(([identifier, label, rules]) =>
  rules.map((rule) => ({
    value: `${identifier} ${rule}`,
    label: `${label}, rule ${rule}`,
    query: { identifier, rule },
  })),
);

/** The options of the field. The empty value means user IDs. */
export const IDENTIFIER_OPTIONS = [
  { value: '', label: 'User IDs' },
  ...KINDS.map(({ value, label }) => ({ value, label })),
];

export function identifierQueryOf(chosen: string): IdentifierQuery {
  return KINDS.find(({ value }) => value === chosen)?.query ?? {};
}

/** Describes how many identifiers of a type and rule match. */
export function describeMatched({ type, rule, users, known_percent: percent }: Matched) {
  return { name: `${typeTitle(type)}, rule ${rule}`, value: `${percent} % of ${users.toLocaleString('en')} known` };
}

/** The name of a type of identifiers. Types that the operator chooses have no other name. */
export function typeTitle(type: string): string {
  return TYPES.find(([identifier]) => identifier === type)?.[1] ?? type;
}
