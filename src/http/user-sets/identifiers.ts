/** Identifiers in uploads, which are hashed while they are read: neither disk nor log ever has a plain one. */
import { z } from 'zod';
import { COUNTRY_CODE, IDENTIFIER_TYPE, identifierId, RULES, rulesOf } from '../../domain/identities.ts';
import { AppError } from '../../lib/errors.ts';
import { component } from '../openapi/component.ts';

/** Query parameters of an upload of identifiers. */
export const identifierQuery = {
  identifier: z
    .string()
    .regex(IDENTIFIER_TYPE, 'email, phone, maid, uid2, rampid or custom:<name> is expected')
    .optional()
    .describe(
      'Type of the identifiers that are sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid` or ' +
        '`custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.',
    )
    .meta(component('IdentifierType')),
  rule: z
    .enum(RULES)
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

type IdentifierQuery = z.output<z.ZodObject<typeof identifierQuery>>;

/** Makes the user id of an identifier; null if the value is not one. */
export type Identify = (value: string) => string | null;

/** How the uploaded values become user ids; null if they are user ids. @throws AppError invalid_request */
export function identifyBy({ identifier: type, rule, hashed, country_code }: IdentifierQuery): Identify | null {
  if (type === undefined) {
    if (rule !== undefined) throw refusal('identifier', 'a rule is only used with an identifier');
    return null;
  }
  const rules = rulesOf(type);
  if (rule === undefined || !rules.includes(rule))
    throw refusal('rule', `the identifier ${type} needs one of the rules ${rules.join(', ')}`);
  const format = { type, rule, isHashed: hashed === true, countryCode: country_code ?? null };
  return (value) => identifierId(value, format);
}

function refusal(pointer: string, message: string): AppError {
  return new AppError('invalid_request', message, { details: [{ pointer, message }] });
}
