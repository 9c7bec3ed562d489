/** Rows of webhooks and their secrets. Times are milliseconds since 1970. */
import { randomUUID } from 'node:crypto';
import { webhookNotFound } from '../../domain/not-found.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Webhooks } from '../../domain/ports/webhooks.ts';
import type { IdempotentRequest, Page, PageQuery } from '../../domain/types.ts';
import type { NewWebhook, SignedWebhook, Webhook, WebhookChange } from '../../domain/webhook-types.ts';
import {
  type KeptSecret,
  newWebhookSecret,
  reasonAfter,
  refuseMoreWebhooks,
  secretsToKeep,
} from '../../domain/webhooks.ts';
import { boundsOf, type RowOf, readRow, selectList } from '../rows/columns.ts';
import { webhookColumns, webhookWrites } from '../rows/webhooks.ts';
import type { SqliteAuditLog } from './audit-log.ts';
import { insertRow, pageOf, SQLITE, updateRow } from './database/columns.ts';
import { deleteRows, type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import { type Database, write } from './database/database.ts';
import { writeToFree } from './database/reserve.ts';
import { keepAnswerOf, OF_NO_CAMPAIGN } from './idempotency.ts';
import type { Synchronous } from './promised.ts';

const COLUMNS = webhookColumns(SQLITE);

type WebhookRow = RowOf<typeof COLUMNS>;

const SELECT_WEBHOOK = `SELECT ${selectList(COLUMNS)} FROM webhooks`;

export class SqliteWebhooks implements Synchronous<Webhooks> {
  readonly #database: Database;
  readonly #audit: SqliteAuditLog;

  constructor(database: Database, audit: SqliteAuditLog) {
    this.#database = database;
    this.#audit = audit;
  }

  create(input: NewWebhook, maximum: number, now: number, once?: IdempotentRequest<SignedWebhook>): SignedWebhook {
    const id = randomUUID();
    const secret = newWebhookSecret();
    return write(this.#database, () => {
      const count = this.#database.prepare('SELECT count(*) FROM webhooks').pluck().get() as number;
      refuseMoreWebhooks(count, maximum);
      const row = { id, ...webhookWrites(SQLITE, { ...input, enabled: true }), created_at: now, updated_at: now };
      this.#insertSecret(insertRow(this.#database, 'webhooks', row), secret);
      this.#audit.made(id);
      return this.#signed(id, secret, now, once);
    });
  }

  get(id: string): Webhook {
    return toWebhook(getWebhookRow(this.#database, id));
  }

  list(query: PageQuery): Page<Webhook> {
    const rows = this.#database
      .prepare(`${SELECT_WEBHOOK} WHERE number < @before ORDER BY number DESC LIMIT @most`)
      .all(boundsOf('webhooks', query)) as { readonly number: number }[];
    return pageOf(this.#database, 'webhooks', rows, query.limit, referencesOf, (row) =>
      toWebhook(readRow(COLUMNS, row)),
    );
  }

  update(id: string, change: WebhookChange, now: number, accept?: Accept<Webhook>): Webhook {
    return write(this.#database, () => {
      const row = getWebhookRow(this.#database, id);
      accept?.(toWebhook(row));
      const disabled_reason = reasonAfter(row, change);
      updateRow(this.#database, 'webhooks', row.number, {
        ...webhookWrites(SQLITE, change),
        disabled_reason,
        updated_at: now,
      });
      return this.get(id);
    });
  }

  remove(id: string): void {
    writeToFree(this.#database, () => {
      const number = this.#database.prepare('SELECT number FROM webhooks WHERE id = @id').pluck().get({ id });
      if (number === undefined) throw webhookNotFound(id);
      // this deletes a damaged webhook too, with secrets and deliveries that may also be damaged
      for (const [table, condition] of [
        ['webhook_deliveries', 'webhook = @number'],
        ['webhook_secrets', 'webhook = @number'],
        ['webhooks', 'number = @number'],
      ] as const)
        deleteRows(this.#database, table, condition, { number: number as number });
    });
  }

  rotate(id: string, graceMs: number, now: number, once?: IdempotentRequest<SignedWebhook>): SignedWebhook {
    const secret = newWebhookSecret();
    return write(this.#database, () => {
      const { number } = getWebhookRow(this.#database, id);
      const former = this.#secretsOf(number);
      const kept = new Map(secretsToKeep(former, graceMs, now).map((one) => [one.number, one.expiresAt]));
      const remove = this.#database.prepare('DELETE FROM webhook_secrets WHERE rowid = @secret');
      const update = this.#database.prepare('UPDATE webhook_secrets SET expires_at = @until WHERE rowid = @secret');
      for (const { number: secret } of former) {
        const until = kept.get(secret);
        if (until === undefined) remove.run({ secret });
        else update.run({ secret, until });
      }
      this.#insertSecret(number, secret);
      updateRow(this.#database, 'webhooks', number, { updated_at: now });
      return this.#signed(id, secret, now, once);
    });
  }

  #signed(id: string, secret: string, now: number, once?: IdempotentRequest<SignedWebhook>): SignedWebhook {
    const signed = { webhook: this.get(id), secret };
    keepAnswerOf(this.#database, once, signed, OF_NO_CAMPAIGN, now);
    return signed;
  }

  /** The webhook's secrets, newest first. */
  #secretsOf(webhook: number): KeptSecret[] {
    return this.#database
      .prepare(
        `SELECT rowid AS number, expires_at AS expiresAt FROM webhook_secrets
         WHERE webhook = @webhook ORDER BY rowid DESC`,
      )
      .all({ webhook }) as KeptSecret[];
  }

  #insertSecret(webhook: number, secret: string): void {
    insertRow(this.#database, 'webhook_secrets', { webhook, secret });
  }
}

/** The webhook's row. @throws AppError webhook_not_found */
export function getWebhookRow(database: Database, id: string): WebhookRow {
  const row = database.prepare(`${SELECT_WEBHOOK} WHERE id = @id`).get({ id });
  if (row === undefined) throw webhookNotFound(id);
  refuseDamaged(database, referencesOf(row as { readonly number: number }));
  return readRow(COLUMNS, row);
}

function toWebhook({ number: _, ...webhook }: WebhookRow): Webhook {
  return webhook;
}

function referencesOf({ number }: { readonly number: number }): RowReference[] {
  return [['webhooks', { number }]];
}
