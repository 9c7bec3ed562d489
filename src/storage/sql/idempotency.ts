/**
 * Stores responses by idempotency key, for repeated requests. Keys are unique: if two transactions store a response for
 * one key, the second waits for the first and then finds its response.
 */
import {
  AnsweredBefore,
  answerAgain,
  answerWithout,
  type IdempotentRequest,
  KEY_LIFETIME_MS,
  type KeptAnswer,
} from '../../domain/idempotency.ts';
import { refuseDamaged } from './columns.ts';
import type { Sql } from './sql.ts';

/** The stored response to a request with this key; null for a new key. @throws AppError idempotency_key_reused */
export async function findAnswer(
  sql: Sql,
  request: Pick<IdempotentRequest, 'key' | 'requestSha256'>,
  now: number,
): Promise<string | null> {
  const row = await sql.get<KeptAnswer>(
    `SELECT request_sha256 AS "requestSha256", campaign_id AS "campaignId", answer, created_at AS "createdAt"
     FROM idempotency_keys WHERE key = @key`,
    { key: request.key },
  );
  if (row !== undefined) await refuseDamaged(sql, [['idempotency_keys', { key: request.key }]]);
  return answerAgain(row, request, now);
}

/** The campaign id of resources that do not belong to a campaign. */
export const OF_NO_CAMPAIGN = '';

/**
 * Stores the response to a request that creates a resource, if the request has a key. Runs in the caller's transaction.
 * @throws AnsweredBefore if another process has answered the request; AppError idempotency_key_reused
 */
export async function keepAnswerOf<Made>(
  sql: Sql,
  once: IdempotentRequest<Made> | undefined,
  made: Made,
  campaignId: string,
  now: number,
): Promise<void> {
  if (once === undefined) return;
  const { key, requestSha256, answer } = once;
  // waits for a transaction that is storing a response for this key; never replaces a response that is still valid
  const stored = await sql.run(
    `INSERT INTO idempotency_keys (key, request_sha256, campaign_id, answer, created_at)
     VALUES (@key, @requestSha256, @campaignId, @answer, @now)
     ON CONFLICT (key) DO UPDATE SET request_sha256 = excluded.request_sha256, campaign_id = excluded.campaign_id,
       answer = excluded.answer, created_at = excluded.created_at
     WHERE idempotency_keys.created_at <= @expired`,
    { key, requestSha256, campaignId, answer: answer(made), now, expired: now - KEY_LIFETIME_MS },
  );
  if (stored === 1) return;
  await findAnswer(sql, once, now);
  throw new AnsweredBefore();
}

/**
 * Condition for responses with examples of unknown seeds. It searches the text, because Postgres refuses some JSON
 * escapes.
 */
const WITH_IDS = `answer LIKE '%"unknown_examples":["%'`;

/**
 * Removes users from the examples of unknown seeds in stored responses, in the caller's transaction. Returns the number
 * of changed responses.
 */
export async function eraseFromAnswers(sql: Sql, userIds: ReadonlySet<string>): Promise<number> {
  const rows = await sql.all<{ readonly key: string; readonly answer: string }>(
    `SELECT key, answer FROM idempotency_keys WHERE ${WITH_IDS}`,
  );
  let changed = 0;
  for (const { key, answer } of rows) {
    const kept = answerWithout(answer, userIds);
    if (kept === null) continue;
    await sql.run('UPDATE idempotency_keys SET answer = @kept WHERE key = @key', { key, kept });
    changed += 1;
  }
  return changed;
}

/** Maximum number of stored responses that one statement removes. */
const FORGOTTEN_ANSWERS = 10_000;

/** Removes old stored responses. */
export async function forgetAnswers(database: Pick<Sql, 'run'>, now: number): Promise<void> {
  const forgetSome = () =>
    database.run(
      `DELETE FROM idempotency_keys WHERE key IN (
         SELECT key FROM idempotency_keys WHERE created_at <= @before ORDER BY created_at LIMIT ${FORGOTTEN_ANSWERS})`,
      { before: now - KEY_LIFETIME_MS },
    );
  while ((await forgetSome()) === FORGOTTEN_ANSWERS);
}
