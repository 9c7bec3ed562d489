/** Rows of idempotency keys: the answer that a request got, for one that is sent again. */
import { answerAgain, KEY_LIFETIME_MS, type KeptAnswer } from '../../domain/idempotency.ts';
import type { IdempotentRequest } from '../../domain/types.ts';
import type { Database } from './database.ts';
import { deleteRows } from './delete-rows.ts';
import { refuseDamaged } from './row-check.ts';

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
  if (row === undefined) return null;
  refuseDamaged(database, [['idempotency_keys', { key }]]);
  return answerAgain(row, key, requestSha256);
}

/** What stands for the campaign of what belongs to none. */
export const OF_NO_CAMPAIGN = '';

/** Keeps the answer of a request that made something, if it has a key; runs inside the caller's transaction. */
export function keepAnswerOf<Made>(
  database: Database,
  once: IdempotentRequest<Made> | undefined,
  made: Made,
  campaignId: string,
  now: number,
): void {
  if (once === undefined) return;
  const { key, requestSha256, answer } = once;
  keepAnswer(database, { key, requestSha256, campaignId, answer: answer(made) }, now);
}

/**
 * Takes users out of the examples of unknown seeds that answers show; gives how many answers had one. Runs inside the
 * caller's transaction.
 */
export function eraseFromAnswers(database: Database, userIds: ReadonlySet<string>): number {
  const rows = database
    .prepare(
      // the condition of the index that has them alone
      `SELECT key, answer FROM idempotency_keys
       WHERE CASE WHEN json_valid(answer) THEN json_array_length(answer, '$.seeds.unknown_examples') END > 0`,
    )
    .all() as { readonly key: string; readonly answer: string }[];
  const update = database.prepare('UPDATE idempotency_keys SET answer = @answer WHERE key = @key');
  let changed = 0;
  for (const { key, answer } of rows) {
    const body = JSON.parse(answer) as { readonly seeds: { readonly unknown_examples: readonly string[] } };
    const kept = body.seeds.unknown_examples.filter((userId) => !userIds.has(userId));
    if (kept.length === body.seeds.unknown_examples.length) continue;
    update.run({ key, answer: JSON.stringify({ ...body, seeds: { ...body.seeds, unknown_examples: kept } }) });
    changed += 1;
  }
  return changed;
}

/** Runs inside the caller's transaction. */
export function forgetAnswers(database: Database, now: number): void {
  deleteRows(database, 'idempotency_keys', 'created_at <= @before', { before: now - KEY_LIFETIME_MS });
}

function keepAnswer(database: Database, row: KeptAnswer & { readonly key: string }, now: number): void {
  database
    .prepare(
      `INSERT OR REPLACE INTO idempotency_keys (key, request_sha256, campaign_id, answer, created_at)
       VALUES (@key, @requestSha256, @campaignId, @answer, @now)`,
    )
    .run({ ...row, now });
}
