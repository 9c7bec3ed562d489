/** Rows of idempotency keys: stored responses for repeated requests. */
import {
  AnsweredBefore,
  answerAgain,
  answerWithout,
  KEY_LIFETIME_MS,
  type KeptAnswer,
} from '../../domain/idempotency.ts';
import type { IdempotentRequest } from '../../domain/types.ts';
import { deleteRows, refuseDamaged } from './database/damaged-rows.ts';
import type { Database } from './database/database.ts';

/** The stored response to a request with this key; null for a new key. @throws AppError idempotency_key_reused */
export function findAnswer(
  database: Database,
  request: Pick<IdempotentRequest, 'key' | 'requestSha256'>,
  now: number,
): string | null {
  const { key } = request;
  const row = database
    .prepare(
      `SELECT request_sha256 AS requestSha256, campaign_id AS campaignId, answer, created_at AS createdAt
       FROM idempotency_keys WHERE key = @key`,
    )
    .get({ key }) as KeptAnswer | undefined;
  if (row !== undefined) refuseDamaged(database, [['idempotency_keys', { key }]]);
  return answerAgain(row, request, now);
}

/** Campaign id for resources that belong to no campaign. */
export const OF_NO_CAMPAIGN = '';

/**
 * Stores the response to a request that creates a resource, if the request has a key. Runs inside the caller's
 * transaction. @throws AnsweredBefore if another process has answered the request; AppError idempotency_key_reused
 */
export function keepAnswerOf<Made>(
  database: Database,
  once: IdempotentRequest<Made> | undefined,
  made: Made,
  campaignId: string,
  now: number,
): void {
  if (once === undefined) return;
  const { key, requestSha256, answer } = once;
  if (findAnswer(database, once, now) !== null) throw new AnsweredBefore();
  database
    .prepare(
      `INSERT OR REPLACE INTO idempotency_keys (key, request_sha256, campaign_id, answer, created_at)
       VALUES (@key, @requestSha256, @campaignId, @answer, @now)`,
    )
    .run({ key, requestSha256, campaignId, answer: answer(made), now });
}

/**
 * Removes users from the examples of unknown seeds in stored responses, inside the caller's transaction; returns the
 * number of changed responses.
 */
export function eraseFromAnswers(database: Database, userIds: ReadonlySet<string>): number {
  const rows = database
    .prepare(
      // the partial index on these rows has the same condition
      `SELECT key, answer FROM idempotency_keys
       WHERE CASE WHEN json_valid(answer) THEN json_array_length(answer, '$.seeds.unknown_examples') END > 0`,
    )
    .all() as { readonly key: string; readonly answer: string }[];
  const update = database.prepare('UPDATE idempotency_keys SET answer = @answer WHERE key = @key');
  let changed = 0;
  for (const { key, answer } of rows) {
    const kept = answerWithout(answer, userIds);
    if (kept === null) continue;
    update.run({ key, answer: kept });
    changed += 1;
  }
  return changed;
}

/** Removes old stored responses, inside the caller's transaction. */
export function forgetAnswers(database: Database, now: number): void {
  deleteRows(database, 'idempotency_keys', 'created_at <= @before', { before: now - KEY_LIFETIME_MS });
}
