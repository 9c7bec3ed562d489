/** Members of an audience: people with hashed identifiers, as one user id for each. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { identifierId } from '../../../domain/identities.ts';
import type { Population } from '../../../service/ports/populations.ts';
import { findUser } from '../../user-sets/find-user.ts';
import { AdcpFault } from './fault.ts';

/** Types of AdCP's universal ids that populations may have, by the type of identifier. */
const UIDS: Readonly<Record<string, string>> = { rampid: 'rampid', uid2: 'uid2', maid: 'maid' };

/** Hashed types of AdCP by the type of identifier. */
const HASHED = { hashed_email: 'email', hashed_phone: 'phone' } as const;

const sha256 = z.string().regex(/^[a-f0-9]{64}$/, 'a SHA-256 hash in lower-case hex is expected');

export const member = z
  .looseObject({
    external_id: z.string(),
    hashed_email: sha256.optional(),
    hashed_phone: sha256.optional(),
    uids: z.array(z.looseObject({ type: z.string(), value: z.string().min(1) })).optional(),
  })
  .refine((one) => one.hashed_email !== undefined || one.hashed_phone !== undefined || one.uids !== undefined, {
    message: 'hashed_email, hashed_phone or uids is expected',
  });

export type Member = z.output<typeof member>;

/** The type of AdCP for a type of identifier. */
export function idTypeOf(type: string): string {
  const hashed = Object.entries(HASHED).find(([, own]) => own === type)?.[0];
  return hashed ?? (type in UIDS ? type : 'other');
}

/** All user ids that a member may have, the most reliable first. @throws AdcpFault if no identifier is supported */
function candidatesOf({ external_id: externalId, uids = [], ...one }: Member): readonly string[] {
  const ids = Object.entries(HASHED).flatMap(([field, type]) => {
    const hash = one[field as keyof typeof HASHED];
    return hash === undefined ? [] : [identifierId(hash, { type, rule: 'adcp', isHashed: true, countryCode: null })];
  });
  for (const { type, value } of uids) {
    const own = UIDS[type];
    if (own !== undefined)
      ids.push(identifierId(value, { type: own, rule: 'sha256', isHashed: false, countryCode: null }));
  }
  const found = ids.filter((id) => id !== null);
  if (found.length > 0) return found;
  throw new AdcpFault('UNSUPPORTED_FEATURE', `member ${digestOf(externalId)}: none of its identifiers is supported`);
}

/**
 * One user id for each member: the first of its identifiers that is in the population, or else the first. So the counts
 * of a set are counts of members.
 */
export function idsToAdd(members: readonly Member[], population: Pick<Population, 'directory' | 'rowOf'>): string[] {
  return members.map((one) => {
    const candidates = candidatesOf(one);
    return candidates.find((id) => findUser(population, id) >= 0) ?? candidates[0]!;
  });
}

/** All user ids under which members may have been added. */
export function idsToRemove(members: readonly Member[]): string[] {
  return members.flatMap((one) => candidatesOf(one));
}

/** A name for a member in a message, which does not repeat what may be personal data. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
