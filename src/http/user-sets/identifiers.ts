/** Identifiers in requests. They are hashed as they are read, so plain identifiers never reach a disk or a log. */
import { z } from 'zod';
import {
  COUNTRY_CODE,
  containsEmail,
  EMAIL_AS_USER_ID,
  hasRule,
  IDENTIFIER_TYPE,
  identifierId,
  labelOf,
  NOT_AN_IDENTIFIER,
  RULES,
  rulesOf,
  type splitLabel,
} from '../../domain/identities.ts';
import { AppError } from '../../lib/errors.ts';
import type { Population, ShownUsers } from '../../service/ports/populations.ts';
import { component } from '../openapi/component.ts';

/** What an identifier in a response is. */
export const identifierKind = {
  type: z.string().describe('Type of the identifiers, such as `email`.'),
  rule: z.enum(RULES).describe('Rule by which the identifiers are normalised and hashed.'),
};

/** Query parameters of requests that contain identifiers. */
export const identifierQuery = {
  identifier: z
    .string()
    .regex(IDENTIFIER_TYPE, 'email, phone, maid, uid2, rampid or custom:<name> is expected')
    .optional()
    .describe(
      'Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid` or ' +
        '`custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.',
    )
    .meta(component('IdentifierType')),
  rule: identifierKind.rule
    .optional()
    .describe('Rule by which identifiers are normalised and hashed. Required with `identifier`.')
    .meta(component('IdentifierRule')),
  hashed: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Whether the identifiers are already hashed by the rule, in hex or Base64.')
    .meta(component('IdentifiersHashed')),
  country_code: z
    .string()
    .regex(COUNTRY_CODE, 'one to three digits are expected')
    .optional()
    .describe('Country code of the phone numbers that are written without one, such as `1`.')
    .meta(component('CountryCode')),
};

/** Query parameters of routes that return identifiers instead of user ids. */
export const shownIdentifierQuery = {
  identifier: identifierQuery.identifier
    .describe(
      'Type of the identifiers to return instead of user ids. `user_id` is then the bare hash by the `rule`, in its ' +
        'encoding, without the `<type>:<rule>:` of the user ids in lists, so that other platforms accept it. If a user ' +
        'has several, the lowest hash is returned. Users without one are omitted and counted in `X-Without-Identifier`.',
    )
    .meta(component('ShownIdentifierType')),
  rule: identifierQuery.rule,
};

type IdentifierQuery = z.output<z.ZodObject<typeof identifierQuery>>;

/** How values of a request become user ids. */
export interface Identify {
  /** Returns the user id of a value; null if the value is refused. */
  readonly idOf: (value: string) => string | null;
  /** The error message for refused values. */
  readonly fault: string;
}

/** Returns how to convert values to user ids; null if they are user ids. @throws AppError invalid_request */
export function identifyBy({ identifier: type, rule, hashed, country_code }: IdentifierQuery): Identify | null {
  if (type === undefined) {
    if (rule !== undefined) throw refusal('identifier', 'a rule is only used with an identifier');
    return null;
  }
  if (rule === undefined || !hasRule(type, rule))
    throw refusal('rule', `the identifier ${type} needs one of the rules ${rulesOf(type).join(', ')}`);
  const format = { type, rule, isHashed: hashed === true, countryCode: country_code ?? null };
  return { idOf: (value) => identifierId(value, format), fault: NOT_AN_IDENTIFIER };
}

/**
 * Like `identifyBy`, for ids that the service stores. User ids are stored as they are, so those that contain an e-mail
 * address are refused, unless user ids of the population may be e-mail addresses.
 */
export function identifyStored(query: IdentifierQuery, { directory }: Pick<Population, 'directory'>): Identify {
  const isRefused = (value: string) => containsEmail(value) && !directory.mayHaveEmails;
  return identifyBy(query) ?? { idOf: (value) => (isRefused(value) ? null : value), fault: EMAIL_AS_USER_ID };
}

/** Like `identifyBy`, for a value in a URL. It must be a hash, because proxies may log URLs. */
export function identifyInUrl(query: IdentifierQuery): Identify | null {
  if (query.identifier !== undefined && query.hashed !== true)
    throw refusal('hashed', 'a plain identifier must not be in a URL: send its hash with hashed=true');
  return identifyBy(query);
}

/** Returns the user id of the value at `pointer`. @throws AppError invalid_request, without the value */
export function userIdOf(sent: string, identify: Identify | null, pointer: string): string {
  const userId = identify === null ? sent : identify.idOf(sent);
  if (userId !== null) return userId;
  const message = identify!.fault;
  throw new AppError('invalid_request', `the request is not valid: ${pointer}: ${message}`, {
    details: [{ pointer, message }],
  });
}

/**
 * Returns the identifiers to show instead of user ids, if the query asks for them.
 * @throws AppError invalid_request if the population has no such identifiers
 */
export function usersShownBy(
  { identifier: type, rule }: Pick<IdentifierQuery, 'identifier' | 'rule'>,
  { directory }: Pick<Population, 'directory'>,
): ShownUsers {
  identifyBy({ identifier: type, rule });
  if (type === undefined || rule === undefined) return directory;
  return usersLabelled({ type, rule }, directory, 'rule');
}

/**
 * Returns the identifiers of a type and rule.
 * @throws AppError invalid_request at `pointer` if the population has no such identifiers
 */
export function usersLabelled(
  { type, rule }: ReturnType<typeof splitLabel>,
  directory: Population['directory'],
  pointer: string,
): ShownUsers {
  const shown = directory.identifiedBy(labelOf(type, rule));
  if (shown !== null) return shown;
  throw refusal(pointer, `the population has no identifiers of the type ${type} by the rule ${rule}`);
}

function refusal(pointer: string, message: string): AppError {
  return new AppError('invalid_request', message, { details: [{ pointer, message }] });
}
