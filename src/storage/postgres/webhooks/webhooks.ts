/** Rows of webhooks and their secrets. Times are milliseconds since 1970. */
import { randomUUID } from 'node:crypto';
import { webhookNotFound } from '../../../domain/not-found.ts';
import type { Accept } from '../../../domain/ports/accept.ts';
import type { Webhooks } from '../../../domain/ports/webhooks.ts';
import type { IdempotentRequest, Page, PageQuery } from '../../../domain/types.ts';
import type { NewWebhook, SignedWebhook, Webhook, WebhookChange } from '../../../domain/webhook-types.ts';
import { newWebhookSecret, reasonAfter, refuseMoreWebhooks, secretsToKeep } from '../../../domain/webhooks.ts';
import { boundsOf, type RowOf, selectList } from '../../rows/columns.ts';
import { webhookColumns, webhookWrites } from '../../rows/webhooks.ts';
import type { PostgresAuditLog } from '../audit-log.ts';
import type { Connection } from '../connection.ts';
import { insert, insertRow, POSTGRES, pageOf, updateRow } from '../database/columns.ts';
import type { Database, Sql, Transaction } from '../database/database.ts';
import { keepAnswerOf, OF_NO_CAMPAIGN } from '../idempotency.ts';

/** Maximum number of deliveries that one statement removes. */
const REMOVED_ROWS = 10_000;

const COLUMNS = webhookColumns(POSTGRES);

type WebhookRow = RowOf<typeof COLUMNS>;

const SELECT_WEBHOOK = `SELECT ${selectList(COLUMNS)} FROM webhooks`;

export class PostgresWebhooks implements Webhooks {
  readonly #database: Database;
  readonly #audit: PostgresAuditLog;

  constructor({ database }: Connection, audit: PostgresAuditLog) {
    this.#database = database;
    this.#audit = audit;
  }

  async create(
    input: NewWebhook,
    maximum: number,
    now: number,
    once?: IdempotentRequest<SignedWebhook>,
  ): Promise<SignedWebhook> {
    const id = randomUUID();
    const secret = newWebhookSecret();
    return this.#database.write(async (transaction) => {
      const { count } = (await transaction.get<{ count: number }>('SELECT count(*) AS count FROM webhooks'))!;
      refuseMoreWebhooks(count, maximum);
      const row = { id, ...webhookWrites(POSTGRES, { ...input, enabled: true }), created_at: now, updated_at: now };
      const webhook = await insertRow(transaction, 'webhooks', row);
      await insert(transaction, 'webhook_secrets', { webhook, secret });
      this.#audit.made(id);
      return signed(transaction, id, secret, now, once);
    });
  }

  async get(id: string): Promise<Webhook> {
    return toWebhook(await getWebhookRow(this.#database, id));
  }

  async list(query: PageQuery): Promise<Page<Webhook>> {
    const rows = await this.#database.all<WebhookRow>(
      `${SELECT_WEBHOOK} WHERE number < @before ORDER BY number DESC LIMIT @most`,
      boundsOf('webhooks', query),
    );
    return pageOf('webhooks', rows, query.limit, toWebhook);
  }

  async update(id: string, change: WebhookChange, now: number, accept?: Accept<Webhook>): Promise<Webhook> {
    return this.#database.write(async (transaction) => {
      const row = await getWebhookRow(transaction, id);
      accept?.(toWebhook(row));
      const disabled_reason = reasonAfter(row, change);
      await updateRow(transaction, 'webhooks', row.number, {
        ...webhookWrites(POSTGRES, change),
        disabled_reason,
        updated_at: now,
      });
      return toWebhook(await getWebhookRow(transaction, id));
    });
  }

  async remove(id: string): Promise<void> {
    await this.#removeEnded(id);
    await this.#database.write(async (transaction) => {
      const { number } = await getWebhookRow(transaction, id);
      for (const [table, column] of [
        ['webhook_deliveries', 'webhook'],
        ['webhook_secrets', 'webhook'],
        ['webhooks', 'number'],
      ])
        await transaction.run(`DELETE FROM ${table} WHERE ${column} = @number`, { number });
    });
  }

  async rotate(
    id: string,
    graceMs: number,
    now: number,
    once?: IdempotentRequest<SignedWebhook>,
  ): Promise<SignedWebhook> {
    const secret = newWebhookSecret();
    return this.#database.write(async (transaction) => {
      const { number: webhook } = await getWebhookRow(transaction, id);
      const former = await transaction.all<{ readonly secret: string; readonly expiresAt: number | null }>(
        `SELECT secret, expires_at AS "expiresAt" FROM webhook_secrets WHERE webhook = @webhook ORDER BY ${NEWEST_FIRST}`,
        { webhook },
      );
      const numbered = former.map(({ expiresAt }, number) => ({ number, expiresAt }));
      const kept = secretsToKeep(numbered, graceMs, now);
      await transaction.run('DELETE FROM webhook_secrets WHERE webhook = @webhook', { webhook });
      for (const { number, expiresAt } of kept)
        await insert(transaction, 'webhook_secrets', {
          ...{ webhook, secret: former[number]!.secret, expires_at: expiresAt },
        });
      await insert(transaction, 'webhook_secrets', { webhook, secret });
      await updateRow(transaction, 'webhooks', webhook, { updated_at: now });
      return signed(transaction, id, secret, now, once);
    });
  }

  /** Removes deliveries that have ended, so that the transaction that removes the webhook has little to do. */
  async #removeEnded(id: string): Promise<void> {
    const { number } = await getWebhookRow(this.#database, id);
    const removeSome = () =>
      this.#database.run(
        `DELETE FROM webhook_deliveries WHERE number IN (
           SELECT number FROM webhook_deliveries WHERE webhook = @number AND state <> 'pending' LIMIT ${REMOVED_ROWS})`,
        { number },
      );
    while ((await removeSome()) === REMOVED_ROWS);
  }
}

/** The order of a webhook's secrets: an older secret expires no later than a newer one, and the newest never. */
export const NEWEST_FIRST = 'expires_at DESC NULLS FIRST';

/** The webhook's row. @throws AppError webhook_not_found */
export async function getWebhookRow(sql: Sql, id: string): Promise<WebhookRow> {
  const row = await sql.get<WebhookRow>(`${SELECT_WEBHOOK} WHERE id = @id`, { id });
  if (row === undefined) throw webhookNotFound(id);
  return row;
}

async function signed(
  transaction: Transaction,
  id: string,
  secret: string,
  now: number,
  once?: IdempotentRequest<SignedWebhook>,
): Promise<SignedWebhook> {
  const made = { webhook: toWebhook(await getWebhookRow(transaction, id)), secret };
  await keepAnswerOf(transaction, once, made, OF_NO_CAMPAIGN, now);
  return made;
}

function toWebhook({ number: _, ...webhook }: WebhookRow): Webhook {
  return webhook;
}
