/** Rows of webhooks and their secrets. Times are milliseconds since 1970. */
import { randomUUID } from 'node:crypto';
import { webhookNotFound } from '../../domain/not-found.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Webhooks } from '../../domain/ports/webhooks.ts';
import type { IdempotentRequest, Page, PageQuery } from '../../domain/types.ts';
import type { CampaignEvent, NewWebhook, SignedWebhook, Webhook, WebhookChange } from '../../domain/webhook-types.ts';
import { newWebhookSecret, reasonAfter, refuseMoreWebhooks, secretsToKeep } from '../../domain/webhooks.ts';
import type { AuditRepository } from './audit-log.ts';
import {
  boundsOf,
  flag,
  insert,
  insertRow,
  json,
  pageOf,
  plain,
  type RowOf,
  readRow,
  refuseDamaged,
  selectList,
  updateRow,
} from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import { keepAnswerOf, OF_NO_CAMPAIGN } from './idempotency.ts';
import { toJson } from './json.ts';
import type { Database, RowReference, Sql, Transaction } from './sql.ts';

/** Maximum number of deliveries that one statement removes. */
const REMOVED_ROWS = 10_000;

const COLUMNS = {
  number: plain<number>('number'),
  id: plain<string>('id'),
  url: plain<string>('url'),
  events: json<CampaignEvent[]>('events'),
  description: plain<string>('description'),
  enabled: flag('enabled'),
  disabledReason: plain<string | null>('disabled_reason'),
  createdAt: plain<number>('created_at'),
  updatedAt: plain<number>('updated_at'),
};

type WebhookRow = RowOf<typeof COLUMNS>;
type NumberedRow = { readonly number: number };

const SELECT_WEBHOOK = `SELECT ${selectList(COLUMNS)} FROM webhooks`;

export class WebhookRepository implements Webhooks {
  readonly #database: Database;
  readonly #audit: AuditRepository;

  constructor({ database }: StoreDependencies, audit: AuditRepository) {
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
    return this.#database.write(async (t) => {
      const { count } = (await t.get<{ readonly count: number }>('SELECT count(*) AS count FROM webhooks'))!;
      refuseMoreWebhooks(count, maximum);
      const row = { id, ...toWritten({ ...input, enabled: true }), created_at: now, updated_at: now };
      const webhook = await insertRow(t, 'webhooks', row);
      await insert(t, 'webhook_secrets', { webhook, secret });
      this.#audit.made(id);
      return signed(t, id, secret, now, once);
    });
  }

  async get(id: string): Promise<Webhook> {
    return toWebhook(await getWebhookRow(this.#database, id));
  }

  async list(query: PageQuery): Promise<Page<Webhook>> {
    const rows = await this.#database.all<NumberedRow>(
      `${SELECT_WEBHOOK} WHERE number < @before ORDER BY number DESC LIMIT @most`,
      boundsOf('webhooks', query),
    );
    return pageOf(this.#database, 'webhooks', rows, query.limit, referencesOf, (row) =>
      toWebhook(readRow(COLUMNS, row)),
    );
  }

  async update(id: string, change: WebhookChange, now: number, accept?: Accept<Webhook>): Promise<Webhook> {
    return this.#database.write(async (t) => {
      const row = await getWebhookRow(t, id);
      accept?.(toWebhook(row));
      const disabled_reason = reasonAfter(row, change);
      await updateRow(t, 'webhooks', row.number, { ...toWritten(change), disabled_reason, updated_at: now });
      return toWebhook(await getWebhookRow(t, id));
    });
  }

  /** Also removes a damaged webhook. */
  async remove(id: string): Promise<void> {
    await this.#database.freeing(async () => {
      await this.#removeEnded(await getNumber(this.#database, id));
      await this.#database.write(async (t) => {
        const number = await getNumber(t, id);
        await t.run('DELETE FROM webhook_deliveries WHERE webhook = @number', { number });
        await t.run('DELETE FROM webhook_secrets WHERE webhook = @number', { number });
        await t.run('DELETE FROM webhooks WHERE number = @number', { number });
      });
    });
  }

  async rotate(
    id: string,
    graceMs: number,
    now: number,
    once?: IdempotentRequest<SignedWebhook>,
  ): Promise<SignedWebhook> {
    const secret = newWebhookSecret();
    return this.#database.write(async (t) => {
      const { number: webhook } = await getWebhookRow(t, id);
      const former = await t.all<{ readonly secret: string; readonly expiresAt: number | null }>(
        `SELECT secret, expires_at AS "expiresAt" FROM webhook_secrets WHERE webhook = @webhook ORDER BY ${NEWEST_FIRST}`,
        { webhook },
      );
      const numbered = former.map(({ expiresAt }, number) => ({ number, expiresAt }));
      const kept = secretsToKeep(numbered, graceMs, now);
      await t.run('DELETE FROM webhook_secrets WHERE webhook = @webhook', { webhook });
      for (const { number, expiresAt } of kept)
        await insert(t, 'webhook_secrets', { webhook, secret: former[number]!.secret, expires_at: expiresAt });
      await insert(t, 'webhook_secrets', { webhook, secret });
      await updateRow(t, 'webhooks', webhook, { updated_at: now });
      return signed(t, id, secret, now, once);
    });
  }

  /** Removes deliveries that have ended, so that the transaction that removes the webhook has little to do. */
  async #removeEnded(number: number): Promise<void> {
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
  const row = await sql.get<NumberedRow>(`${SELECT_WEBHOOK} WHERE id = @id`, { id });
  if (row === undefined) throw webhookNotFound(id);
  await refuseDamaged(sql, referencesOf(row));
  return readRow(COLUMNS, row);
}

/** The webhook's number, even if its row is damaged. @throws AppError webhook_not_found */
async function getNumber(sql: Sql, id: string): Promise<number> {
  const row = await sql.get<NumberedRow>('SELECT number FROM webhooks WHERE id = @id', { id });
  if (row === undefined) throw webhookNotFound(id);
  return row.number;
}

/** Columns for the fields that a caller has set. */
function toWritten({ url, events, description, enabled }: WebhookChange) {
  return { url, events: toJson(events), description, enabled };
}

async function signed(
  t: Transaction,
  id: string,
  secret: string,
  now: number,
  once?: IdempotentRequest<SignedWebhook>,
): Promise<SignedWebhook> {
  const made = { webhook: toWebhook(await getWebhookRow(t, id)), secret };
  await keepAnswerOf(t, once, made, OF_NO_CAMPAIGN, now);
  return made;
}

function toWebhook({ number: _, ...webhook }: WebhookRow): Webhook {
  return webhook;
}

function referencesOf({ number }: NumberedRow): readonly RowReference[] {
  return [['webhooks', { number }]];
}
