/** Rows of idempotency keys: the answer that a request got, for one that is sent again. */
import { AppError } from '../lib/errors.ts';
import type { Database } from './database.ts';

/** Keys are remembered for a day. */
export const KEY_LIFETIME_MS = 24 * 3600 * 1000;

/**
 * The answer that the key's request got; null where it is new.
 * @throws AppError idempotency_key_reused where that request had another body (facts: campaign_id).
 */
export function findAnswer(database: Database, key: string, requestSha256: string, now: number): string | null {
  const row = database
    .prepare(
      'SELECT request_sha256 AS sha256, campaign_id AS campaignId, answer FROM idempotency_keys WHERE key = ? AND created_at > ?',
    )
    .get(key, now - KEY_LIFETIME_MS) as { sha256: string; campaignId: string; answer: string } | undefined;
  if (row === undefined) return null;
  if (row.sha256 === requestSha256) return row.answer;
  const message = 'this key came with another body before; a new request needs a new key';
  throw new AppError('idempotency_key_reused', message, {
    details: [{ pointer: 'idempotency-key', value: key, message }],
    facts: { campaign_id: row.campaignId },
  });
}

/** Keeps an answer; runs inside the caller's transaction. */
export function keepAnswer(
  database: Database,
  row: { readonly key: string; readonly requestSha256: string; readonly campaignId: string; readonly answer: string },
  now: number,
): void {
  database
    .prepare(
      'INSERT OR REPLACE INTO idempotency_keys (key, request_sha256, campaign_id, answer, created_at) VALUES (?, ?, ?, ?, ?)',
    )
    .run(row.key, row.requestSha256, row.campaignId, row.answer, now);
}

/** Runs inside the caller's transaction. */
export function forgetAnswers(database: Database, now: number): void {
  database.prepare('DELETE FROM idempotency_keys WHERE created_at <= ?').run(now - KEY_LIFETIME_MS);
}
