/** The kind of ids in a list: user IDs, or typed identifiers that the service hashes by a rule. */
import type { CurrentPopulation, UserSet } from '../api/types.ts';
import { formatCount } from '../ui/format.ts';

type Rule = CurrentPopulation['identifiers'][number]['rule'];

/** How well the identifiers of a type and rule match. */
export type IdentifierMatch = Pick<
  NonNullable<UserSet['identifiers']>[number],
  'type' | 'rule' | 'users' | 'known_percent'
>;

/** How the ids of a list are written. */
export interface IdFormat {
  /** Type and rule of identifiers; null for user IDs. */
  readonly label: { readonly type: string; readonly rule: Rule } | null;
  /** Whether the identifiers are already hashed. */
  readonly isHashed: boolean;
  /** Country code of phone numbers that are written without one; empty if all numbers include it. */
  readonly countryCode: string;
}

export const USER_IDS: IdFormat = { label: null, isHashed: false, countryCode: '' };

/** The query parameters of requests that contain identifiers. */
export interface IdentifierQuery {
  readonly identifier?: string;
  readonly rule?: Rule;
  readonly hashed?: 'true';
  readonly country_code?: string;
}

export function identifierQueryOf({ label, isHashed, countryCode }: IdFormat): IdentifierQuery {
  if (label === null) return {};
  const query = { identifier: label.type, rule: label.rule };
  if (isHashed) return { ...query, hashed: 'true' };
  return label.type === 'phone' && countryCode !== '' ? { ...query, country_code: countryCode } : query;
}

/** Number of bytes of the hashes of the rules that do not use SHA-256. */
const HASH_BYTES: Partial<Record<Rule, number>> = { 'liveramp-md5': 16, 'liveramp-sha1': 20 };

/**
 * Returns the user ID of a listed value for requests that take only user IDs, such as estimates; null for a plain
 * identifier, which must not be in such a request.
 */
export function userIdOf(value: string, { label, isHashed }: IdFormat): string | null {
  if (label === null) return value;
  const bytes = isHashed ? decodeHash(value.trim()) : null;
  if (bytes?.length !== (HASH_BYTES[label.rule] ?? 32)) return null;
  const isBase64 = label.type === 'email' && label.rule === 'uid2';
  const hash = isBase64 ? btoa(String.fromCharCode(...bytes)) : bytes.map((byte) => hex(byte)).join('');
  return `${label.type}:${label.rule}:${hash}`;
}

/** Decodes hex or Base64; null if the text is neither. */
function decodeHash(text: string): number[] | null {
  if (/^([0-9a-f]{2})+$/i.test(text)) return text.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  try {
    return [...atob(text)].map((character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

const TYPES: Readonly<Record<string, string>> = {
  email: 'E-mail addresses',
  phone: 'Phone numbers',
  maid: 'Device IDs',
  uid2: 'UID2',
  rampid: 'RampID',
};

/** The name of a type of identifiers. Types that the operator chooses have no other name. */
export function typeTitle(type: string): string {
  return TYPES[type] ?? type;
}

export function labelTitle({ type, rule }: Pick<IdentifierMatch, 'type' | 'rule'>): string {
  return `${typeTitle(type)}, rule ${rule}`;
}

/** Splits the label of identifiers, such as `email:uid2`. */
export function partsOfLabel(label: string): Pick<IdentifierMatch, 'type' | 'rule'> {
  const end = label.lastIndexOf(':');
  return { type: label.slice(0, end), rule: label.slice(end + 1) as Rule };
}

/** Describes how many identifiers of a type and rule match. */
export function describeMatch(match: IdentifierMatch) {
  const { users, known_percent: percent } = match;
  return { name: labelTitle(match), value: `${percent}%`, note: `of ${formatCount(users)} are known` };
}
