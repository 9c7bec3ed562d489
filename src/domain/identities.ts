/**
 * Typed identifiers of users: how each rule normalises and hashes a plain value. A hashed identifier is a user id that
 * begins with the type and the rule, so hashes of different rules never match.
 */
import { hash } from 'node:crypto';

/** Matches the types of identifiers. `custom:` is followed by a name that the operator chooses. */
export const IDENTIFIER_TYPE = /^(email|phone|maid|uid2|rampid|custom:[a-z0-9_-]{1,40})$/;
/** Matches the country code of a phone number (ITU-T E.164). */
export const COUNTRY_CODE = /^[1-9]\d{0,2}$/;

/** The error message for a user id that contains an e-mail address. It omits the id. */
export const EMAIL_AS_USER_ID =
  'the value contains an e-mail address, but no user id of the population does: send it with identifier and rule, so ' +
  'that it is hashed';

export const RULES = [
  'adcp',
  'meta',
  'uid2',
  'google',
  'liveramp-sha256',
  'liveramp-md5',
  'liveramp-sha1',
  'sha256',
] as const;

export type RuleName = (typeof RULES)[number];

/** The error message for a value that is not an identifier. It omits the value, which may be personal data. */
export const NOT_AN_IDENTIFIER = 'the value is not an identifier of this type, or not a hash of this rule';

/** Describes how the identifiers of a list are written. */
export interface IdentifierFormat {
  readonly type: string;
  readonly rule: RuleName;
  /** Whether the values are already hashed (hex or Base64). */
  readonly isHashed: boolean;
  /** Country code for phone numbers that are written without one; null if all numbers include it. */
  readonly countryCode: string | null;
}

const HASH_BYTES = { sha256: 32, sha1: 20, md5: 16 } as const;

interface Rule {
  /** A rule that produces the same hashes. They are stored under the name of that rule. */
  readonly sameAs?: RuleName;
  readonly algorithm: 'sha256' | 'sha1' | 'md5';
  readonly encoding: 'hex' | 'base64';
  /** Returns the text to be hashed, or null if the value is not an identifier of this type. */
  normalise(value: string, countryCode: string | null): string | null;
}

const SHA256 = { algorithm: 'sha256', encoding: 'hex' } as const;
const liveRampEmail = (value: string) => email(value.replaceAll(/\s/g, ''));
const phone = { ...SHA256, normalise: (value, code) => e164(value, code) } satisfies Rule;

const EMAIL: Partial<Record<RuleName, Rule>> = {
  adcp: { ...SHA256, normalise: email },
  meta: { ...SHA256, sameAs: 'adcp', normalise: email },
  uid2: { algorithm: 'sha256', encoding: 'base64', normalise: (value) => mailbox(value, ['gmail.com']) },
  google: {
    ...SHA256,
    normalise: (value) => mailbox(value.replaceAll(/\s/g, ''), ['gmail.com', 'googlemail.com']),
  },
  'liveramp-sha256': { ...SHA256, normalise: liveRampEmail },
  'liveramp-md5': { algorithm: 'md5', encoding: 'hex', normalise: liveRampEmail },
  'liveramp-sha1': { algorithm: 'sha1', encoding: 'hex', normalise: liveRampEmail },
};

const PHONE: Partial<Record<RuleName, Rule>> = {
  adcp: phone,
  uid2: { ...phone, sameAs: 'adcp' },
  google: { ...phone, sameAs: 'adcp' },
  meta: { ...SHA256, normalise: (value, code) => e164(value, code)?.slice(1) ?? null },
  'liveramp-sha1': { algorithm: 'sha1', encoding: 'hex', normalise: nationalNumber },
};

const OTHER: Partial<Record<RuleName, Rule>> = { sha256: { ...SHA256, normalise: (value) => value.trim() || null } };
const MAID: Partial<Record<RuleName, Rule>> = {
  sha256: { ...SHA256, normalise: (value) => value.trim().toLowerCase() || null },
};

/** The rules that exist for a type of identifier. */
export function rulesOf(type: string): RuleName[] {
  return RULES.filter((rule) => hasRule(type, rule));
}

/** Whether a rule exists for a type of identifier. */
export function hasRule(type: string, rule: RuleName): boolean {
  return tableOf(type)[rule] !== undefined;
}

/**
 * Returns the user id of an identifier: type, rule and hash, such as `email:uid2:FsGN..`; or null if the value is
 * neither an identifier of this type nor, if hashed, a hash of this rule. The rule must exist for the type.
 */
export function identifierId(value: string, { type, rule, isHashed, countryCode }: IdentifierFormat): string | null {
  const found = tableOf(type)[rule]!;
  const hashed = isHashed ? recode(value.trim(), found) : hashOf(value, found, countryCode);
  return hashed && `${labelOf(type, rule)}:${hashed}`;
}

/** How a value of an unknown rule is written: plain, or hashed. */
export const VALUE_FORMATS = ['plain', 'sha256', 'sha1', 'md5'] as const;
export type ValueFormat = (typeof VALUE_FORMATS)[number];

/** The formats in which values of a type are accepted by `idsByAnyRule`. */
export function formatsOf(type: string): ValueFormat[] {
  const algorithms = new Set<string>(Object.values(tableOf(type)).map(({ algorithm }) => algorithm));
  return VALUE_FORMATS.filter((format) => format === 'plain' || algorithms.has(format));
}

/** The user ids of an identifier by each rule of its type; empty if the value has another format. */
export function idsByAnyRule(value: string, type: string, format: ValueFormat): string[] {
  const isHashed = format !== 'plain';
  const rules = rulesOf(type).filter((rule) => !isHashed || tableOf(type)[rule]!.algorithm === format);
  const ids = rules.map((rule) => identifierId(value, { type, rule, isHashed, countryCode: null }));
  return [...new Set(ids.filter((id) => id !== null))];
}

/**
 * The label under which hashes are stored: type and rule, such as `phone:adcp` for phone numbers of the rule `uid2`.
 */
export function labelOf(type: string, rule: RuleName): string {
  return `${type}:${tableOf(type)[rule]?.sameAs ?? rule}`;
}

/** Length and encoding of the hashes of a label. */
export interface HashForm {
  readonly bytes: number;
  readonly encoding: 'hex' | 'base64';
}

const RULE_NAMES: ReadonlySet<string> = new Set(RULES);

/** Returns the form of a label's hashes; null if the text is not a label. */
export function hashFormOf(label: string): HashForm | null {
  const { type, rule } = splitLabel(label);
  if (!IDENTIFIER_TYPE.test(type) || !RULE_NAMES.has(rule) || labelOf(type, rule) !== label) return null;
  const found = tableOf(type)[rule];
  return found === undefined ? null : { bytes: HASH_BYTES[found.algorithm], encoding: found.encoding };
}

/** Matches a type and a rule, such as `email:uid2`. */
export const LABEL = new RegExp(`^(?:email|phone|maid|uid2|rampid|custom:[a-z0-9_-]{1,40}):(?:${RULES.join('|')})$`);

/** The label under which the hashes of a type and rule are stored, see `labelOf`. */
export function storedLabel(label: string): string {
  const { type, rule } = splitLabel(label);
  return labelOf(type, rule);
}

export function splitLabel(label: string): { readonly type: string; readonly rule: RuleName } {
  const end = label.lastIndexOf(':');
  return { type: label.slice(0, end), rule: label.slice(end + 1) as RuleName };
}

const IDENTIFIER_ID = new RegExp(`^(?:email|phone|maid|uid2|rampid|custom:[a-z0-9_-]{1,40}):(?:${RULES.join('|')}):`);

/** Returns the label of a user id that is an identifier; null for other user ids. */
export function labelOfId(userId: string): string | null {
  const [prefix] = IDENTIFIER_ID.exec(userId) ?? [];
  return prefix?.slice(0, -1) ?? null;
}

/** Whether a text contains an e-mail address. */
export function containsEmail(text: string): boolean {
  return text.includes('@') && EMAIL_ADDRESS.test(text);
}

const EMAIL_ADDRESS = /[^@\s]@[^@\s]+\.[^@\s]/;

function tableOf(type: string): Partial<Record<RuleName, Rule>> {
  if (type === 'email') return EMAIL;
  if (type === 'phone') return PHONE;
  return type === 'maid' ? MAID : OTHER;
}

function hashOf(value: string, { algorithm, encoding, normalise }: Rule, countryCode: string | null): string | null {
  const text = normalise(value, countryCode);
  return text && hash(algorithm, text, encoding);
}

/** The bytes of the hash being converted. */
const SCRATCH = Buffer.alloc(32);

/** Converts a hash to the encoding of its rule; null if the length is wrong. */
function recode(value: string, { algorithm, encoding }: Rule): string | null {
  const bytes = HASH_BYTES[algorithm];
  const digits = 2 * bytes;
  // `write` takes the last byte of other characters for a digit, but they have several bytes in UTF-8
  const isHex = value.length === digits && Buffer.byteLength(value) === digits && SCRATCH.write(value, 'hex') === bytes;
  if (isHex) return encoding === 'hex' ? value.toLowerCase() : SCRATCH.toString(encoding, 0, bytes);
  const decoded = Buffer.from(value, 'base64');
  return decoded.length === bytes && decoded.toString('base64') === value ? decoded.toString(encoding) : null;
}

/** AdCP and Meta: converts to lower case and trims white space. */
function email(value: string): string | null {
  const text = value.trim().toLowerCase();
  return /^[^@\s]+@[^@\s]+$/.test(text) ? text : null;
}

/** UID2 and Google: for these domains, also removes dots and `+..` from the local part. */
function mailbox(value: string, domains: readonly string[]): string | null {
  const text = email(value);
  const [local, domain] = text?.split('@') ?? [];
  if (text === null || !domains.includes(domain!)) return text;
  const name = local!.replace(/\+.*$/, '').replaceAll('.', '');
  return name === '' ? null : `${name}@${domain}`;
}

/** A number without `+` begins with its country code if it has at least this many digits. */
const INTERNATIONAL_DIGITS = 11;
const MAXIMUM_DIGITS = 15;

/**
 * Returns the number in E.164 form. A number includes its country code if it begins with `+` or `00`. If there is no
 * `countryCode`, it also does if it has at least 11 digits; a shorter number might be a national one.
 */
function e164(value: string, countryCode: string | null): string | null {
  const text = value
    .trim()
    .replaceAll(/[\s().-]/g, '')
    .replace(/^00/, '+');
  if (!/^\+?\d+$/.test(text)) return null;
  const digits = text.startsWith('+') ? text.slice(1) : withCode(text, countryCode);
  return digits !== null && /^[1-9]\d{6,}$/.test(digits) && digits.length <= MAXIMUM_DIGITS ? `+${digits}` : null;
}

function withCode(digits: string, countryCode: string | null): string | null {
  const isInternational = digits.length >= INTERNATIONAL_DIGITS;
  if (countryCode === null) return isInternational ? digits : null;
  return isInternational && digits.startsWith(countryCode) ? digits : countryCode + digits.replace(/^0/, '');
}

/**
 * LiveRamp: removes the country code. Only North American numbers are supported, because LiveRamp accepts hashes of no
 * others.
 */
function nationalNumber(value: string, countryCode: string | null): string | null {
  return /^\+1(\d{10})$/.exec(e164(value, countryCode) ?? '')?.[1] ?? null;
}
