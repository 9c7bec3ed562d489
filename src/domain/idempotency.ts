/** The rule of idempotency keys: a repeated request gets the stored response to the first request. */
import { AppError } from '../lib/errors.ts';
import type { Campaign } from './types.ts';

/** Idempotency keys are stored for one day. */
export const KEY_LIFETIME_MS = 24 * 3600 * 1000;

/** An idempotent request that creates a resource. A later request with the same key and body gets the same response. */
export interface IdempotentRequest<Made = Campaign> {
  readonly key: string;
  readonly requestSha256: string;
  /** Returns the body of the response. */
  readonly answer: (made: Made) => string;
}

/** The stored data of an answered request. */
export interface KeptAnswer {
  readonly requestSha256: string;
  /** The id of the campaign that the created resource belongs to; empty if it belongs to no campaign. */
  readonly campaignId: string;
  readonly answer: string;
  /** The time in milliseconds since 1970. */
  readonly createdAt: number;
}

/**
 * Returns the stored response if the key was used in the last day, else `null`.
 * @throws AppError idempotency_key_reused if the key was used for another request (facts: campaign_id, if that request
 * belongs to a campaign)
 */
export function answerAgain(
  kept: KeptAnswer | undefined,
  { key, requestSha256 }: Pick<IdempotentRequest, 'key' | 'requestSha256'>,
  now: number,
): string | null {
  if (kept === undefined || kept.createdAt <= now - KEY_LIFETIME_MS) return null;
  if (kept.requestSha256 === requestSha256) return kept.answer;
  const message = 'this idempotency key was already used with another body or route; use a new key for a new request';
  throw new AppError('idempotency_key_reused', message, {
    details: [{ pointer: 'idempotency-key', value: key, message }],
    facts: kept.campaignId === '' ? {} : { campaign_id: kept.campaignId },
  });
}

/** Thrown by a creation if another process has answered the request in the meantime; nothing was created. */
export class AnsweredBefore extends Error {
  constructor() {
    super('a request with this idempotency key has been answered in the meantime');
    this.name = 'AnsweredBefore';
  }
}

/** A stored response without users among its examples of unknown seeds; `null` if it names none of them. */
export function answerWithout(answer: string, userIds: ReadonlySet<string>): string | null {
  const body = JSON.parse(answer) as { readonly seeds?: { readonly unknown_examples?: readonly string[] } };
  const examples = body.seeds?.unknown_examples ?? [];
  const kept = examples.filter((userId) => !userIds.has(userId));
  if (kept.length === examples.length) return null;
  return JSON.stringify({ ...body, seeds: { ...body.seeds, unknown_examples: kept } });
}
