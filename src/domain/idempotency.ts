/** The rule of idempotency keys: a repeated request gets its response again. */
import { AppError } from '../lib/errors.ts';

/** Keys are remembered for a day. */
export const KEY_LIFETIME_MS = 24 * 3600 * 1000;

/** What is stored about an answered request. */
export interface KeptAnswer {
  readonly requestSha256: string;
  /** Of what was made; empty where that belongs to no campaign. */
  readonly campaignId: string;
  readonly answer: string;
}

/**
 * The response to a request whose key was used before.
 * @throws AppError idempotency_key_reused if that was another request (facts: campaign_id, if it belongs to one).
 */
export function answerAgain(kept: KeptAnswer, key: string, requestSha256: string): string {
  if (kept.requestSha256 === requestSha256) return kept.answer;
  const message = 'this key was used with another body or route before; a new request needs a new key';
  throw new AppError('idempotency_key_reused', message, {
    details: [{ pointer: 'idempotency-key', value: key, message }],
    facts: kept.campaignId === '' ? {} : { campaign_id: kept.campaignId },
  });
}
