/** Rows of idempotency keys: the answer that a request got, for one that is sent again. */
import { answerAgain, KEY_LIFETIME_MS, type KeptAnswer } from '../campaigns/idempotency.ts';
import type { Database } from './database.ts';

/**
 * The answer that the key's request got; null where it is new.
 * @throws AppError idempotency_key_reused where that request had another body (facts: campaign_id).
 */
export function findAnswer(database: Database, key: string, requestSha256: string, now: number): string | null {
  const row = database
    .prepare(
      `SELECT request_sha256 AS requestSha256, campaign_id AS campaignId, answer
       FROM idempotency_keys WHERE key = @key AND created_at > @after`,
    )
    .get({ key, after: now - KEY_LIFETIME_MS }) as KeptAnswer | undefined;
  return row === undefined ? null : answerAgain(row, key, requestSha256);
}

/** Keeps an answer; runs inside the caller's transaction. */
export function keepAnswer(database: Database, row: KeptAnswer & { readonly key: string }, now: number): void {
  database
    .prepare(
      `INSERT OR REPLACE INTO idempotency_keys (key, request_sha256, campaign_id, answer, created_at)
       VALUES (@key, @requestSha256, @campaignId, @answer, @now)`,
    )
    .run({ ...row, now });
}

/** Runs inside the caller's transaction. */
export function forgetAnswers(database: Database, now: number): void {
  database.prepare('DELETE FROM idempotency_keys WHERE created_at <= @before').run({ before: now - KEY_LIFETIME_MS });
}
