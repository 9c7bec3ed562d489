/** Rows of webhooks and their secrets. Times are milliseconds since 1970. */
import { randomBytes, randomUUID } from 'node:crypto';
import { decodeCursor, encodeCursor } from '../campaigns/cursors.ts';
import type { Webhooks } from '../campaigns/ports/webhooks.ts';
import type { Page, PageQuery } from '../campaigns/types.ts';
import type { CampaignEvent, NewWebhook, Webhook, WebhookChange } from '../campaigns/webhook-types.ts';
import { AppError } from '../lib/errors.ts';
import { type Database, write } from './database.ts';

/** Standard Webhooks asks for 24 to 64. */
const SECRET_BYTES = 32;
/** Replaced secrets that still sign: each is 48 bytes of a header. */
const MAXIMUM_OLD_SECRETS = 4;

const SELECT_WEBHOOK = `SELECT number, id, url, events, description, enabled, disabled_reason AS disabledReason,
  created_at AS createdAt, updated_at AS updatedAt FROM webhooks`;

type WebhookRow = Omit<Webhook, 'events' | 'enabled'> & {
  readonly number: number;
  readonly events: string;
  readonly enabled: number;
};

export class SqliteWebhooks implements Webhooks {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  create(input: NewWebhook, maximum: number, now: number): { readonly webhook: Webhook; readonly secret: string } {
    const id = randomUUID();
    const secret = newSecret();
    write(this.#database, () => {
      const count = this.#database.prepare('SELECT count(*) FROM webhooks').pluck().get() as number;
      if (count >= maximum)
        throw new AppError('too_many_webhooks', `there are ${count} webhooks, at most ${maximum} are kept`);
      const { lastInsertRowid } = this.#database
        .prepare(
          'INSERT INTO webhooks (id, url, events, description, enabled, created_at, updated_at) VALUES (?, ?, ?, ?, 1, ?, ?)',
        )
        .run(id, input.url, JSON.stringify(input.events), input.description, now, now);
      this.#insertSecret(Number(lastInsertRowid), secret);
    });
    return { webhook: this.get(id), secret };
  }

  get(id: string): Webhook {
    return toWebhook(getWebhookRow(this.#database, id));
  }

  list(query: PageQuery): Page<Webhook> {
    const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor('webhooks', query.cursor);
    const rows = this.#database
      .prepare(`${SELECT_WEBHOOK} WHERE number < ? ORDER BY number DESC LIMIT ?`)
      .all(before, query.limit + 1) as WebhookRow[];
    const page = rows.slice(0, query.limit);
    return {
      items: page.map(toWebhook),
      nextCursor: rows.length > page.length ? encodeCursor('webhooks', page.at(-1)!.number) : null,
    };
  }

  update(id: string, change: WebhookChange, now: number): Webhook {
    write(this.#database, () => {
      const row = getWebhookRow(this.#database, id);
      const enabled = change.enabled ?? row.enabled === 1;
      this.#database
        .prepare(
          `UPDATE webhooks SET url = ?, events = ?, description = ?, enabled = ?, disabled_reason = ?, updated_at = ?
           WHERE number = ?`,
        )
        .run(
          change.url ?? row.url,
          change.events === undefined ? row.events : JSON.stringify(change.events),
          change.description ?? row.description,
          enabled ? 1 : 0,
          enabled ? null : row.disabledReason,
          now,
          row.number,
        );
    });
    return this.get(id);
  }

  remove(id: string): void {
    write(this.#database, () => {
      const { number } = getWebhookRow(this.#database, id);
      this.#database.prepare('DELETE FROM webhooks WHERE number = ?').run(number);
    });
  }

  rotate(id: string, graceMs: number, now: number): { readonly webhook: Webhook; readonly secret: string } {
    const secret = newSecret();
    write(this.#database, () => {
      const { number } = getWebhookRow(this.#database, id);
      const until = now + graceMs;
      this.#database
        .prepare(
          'UPDATE webhook_secrets SET expires_at = min(coalesce(expires_at, @until), @until) WHERE webhook = @number',
        )
        .run({ until, number });
      this.#database
        .prepare(
          `DELETE FROM webhook_secrets WHERE webhook = @number AND (expires_at <= @now OR rowid NOT IN
             (SELECT rowid FROM webhook_secrets WHERE webhook = @number ORDER BY rowid DESC LIMIT @most))`,
        )
        .run({ number, now, most: MAXIMUM_OLD_SECRETS });
      this.#insertSecret(number, secret);
      this.#database.prepare('UPDATE webhooks SET updated_at = ? WHERE number = ?').run(now, number);
    });
    return { webhook: this.get(id), secret };
  }

  #insertSecret(webhook: number, secret: string): void {
    this.#database.prepare('INSERT INTO webhook_secrets (webhook, secret) VALUES (?, ?)').run(webhook, secret);
  }
}

/** The webhook's row. @throws AppError webhook_not_found */
export function getWebhookRow(database: Database, id: string): WebhookRow {
  const row = database.prepare(`${SELECT_WEBHOOK} WHERE id = ?`).get(id) as WebhookRow | undefined;
  if (row === undefined) throw new AppError('webhook_not_found', `there is no webhook ${id}`);
  return row;
}

function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

function toWebhook({ number: _, ...row }: WebhookRow): Webhook {
  return { ...row, events: JSON.parse(row.events) as CampaignEvent[], enabled: row.enabled === 1 };
}
