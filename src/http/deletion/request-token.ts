/** Verifies the tokens of the Data Deletion Request Framework: a request, and in it the origin of the request. */
import { createLocalJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import type { IssuerKeys } from './issuer-keys.ts';

/** Result codes of the framework. */
export const RESULTS = {
  accepted: 0,
  malformed: 1,
  badSignature: 2,
  badToken: 3,
  unsupportedType: 4,
  wrongFormat: 5,
  badTime: 6,
} as const;

/** A refusal with a result code. The message contains no identifier. */
export class DeletionRefusal extends Error {
  readonly result: number;

  constructor(result: keyof typeof RESULTS, message: string) {
    super(message);
    this.result = RESULTS[result];
  }
}

const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Requests older than this are refused, so that stolen ones soon have no value. */
const MAXIMUM_AGE = '30 days';
const TOLERANCE_SECONDS = 300;

const text = z.string().min(1).max(2_048);
const origin = z.looseObject({ version: text, jti: text, iss: text, iat: z.number() });
const request = origin.extend({
  sub: z.looseObject({ identifierValue: text, identifierType: text, identifierFormat: text }),
  /** Called `idJWT` in version 1. */
  orJWT: z.string().optional(),
  idJWT: z.string().optional(),
});

export interface DeletionRequest {
  /** The domain that asks for the deletion. */
  readonly requester: string;
  /** The domain that the user has asked; often the requester. */
  readonly firstParty: string;
  readonly type: string;
  readonly format: string;
  readonly value: string;
}

/** @throws DeletionRefusal, AppError unavailable if keys of an issuer cannot be read */
export async function readDeletionRequest(token: string, keys: IssuerKeys, now: number): Promise<DeletionRequest> {
  const { iss, sub, orJWT, idJWT } = claimsOf(request, await verify('rqJWT', token, keys, now));
  const inner = orJWT ?? idJWT;
  if (inner === undefined) throw new DeletionRefusal('malformed', 'orJWT is missing');
  const { iss: firstParty } = claimsOf(origin, await verify('orJWT', inner, keys, now));
  const { identifierType: type, identifierFormat: format, identifierValue: value } = sub;
  return { requester: iss, firstParty, type, format, value };
}

async function verify(name: string, token: string, issuers: IssuerKeys, now: number): Promise<JWTPayload> {
  try {
    const { iss = '' } = decodeJwt(token);
    let keys = await issuers.of(iss);
    if (keys === null) throw new DeletionRefusal('badSignature', `the issuer of ${name} is not trusted`);
    const options = { algorithms: ALGORITHMS, maxTokenAge: MAXIMUM_AGE, clockTolerance: TOLERANCE_SECONDS };
    const currentDate = new Date(now);
    const check = () => jwtVerify(token, createLocalJWKSet({ keys: keys! }), { ...options, currentDate });
    try {
      return (await check()).payload;
    } catch (error) {
      // the issuer may have a new key
      if (!(error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed))
        throw error;
      keys = await issuers.of(iss, { reread: true });
      return (await check()).payload;
    }
  } catch (error) {
    throw refusalOf(name, error);
  }
}

function refusalOf(name: string, error: unknown): unknown {
  if (!(error instanceof errors.JOSEError)) return error;
  const isClaim = error instanceof errors.JWTClaimValidationFailed;
  if (error instanceof errors.JWTExpired || (isClaim && error.reason === 'check_failed'))
    return new DeletionRefusal('badTime', `${name} is too old, has expired, or is from the future`);
  if (isClaim) return new DeletionRefusal('malformed', `${error.claim} of ${name} is missing or not valid`);
  const isKey = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
  if (isKey || error instanceof errors.JOSEAlgNotAllowed)
    return new DeletionRefusal('badSignature', `the signature of ${name} is not by a key and algorithm of its issuer`);
  return new DeletionRefusal('badToken', `${name} is not a signed JWT`);
}

function claimsOf<T extends z.ZodType>(schema: T, payload: JWTPayload): z.output<T> {
  const { data, error } = schema.safeParse(payload);
  if (error !== undefined)
    throw new DeletionRefusal('malformed', `${error.issues[0]!.path.join('.')} is missing or not valid`);
  return data;
}
