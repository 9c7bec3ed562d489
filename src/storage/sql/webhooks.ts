/**
 * Rows of webhooks and their secrets. Destinations are rows of the same table (`destinations.ts`). Times are
 * milliseconds since 1970.
 */
import { randomUUID } from 'node:crypto';
import type { NewDestination } from '../../domain/destinations.ts';
import { destinationNotFound, webhookNotFound } from '../../domain/not-found.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { ReceiverKind } from '../../domain/ports/outbox.ts';
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
  destination: json<NewDestination | null>('destination'),
  createdAt: plain<number>('created_at'),
  updatedAt: plain<number>('updated_at'),
};

export type WebhookRow = RowOf<typeof COLUMNS>;
export type NumberedRow = { readonly number: number };

const SELECT_WEBHOOK = `SELECT ${selectList(COLUMNS)} FROM webhooks`;

/** Selects the rows of webhooks or of destinations. */
const OF_KIND: Readonly<Record<ReceiverKind, string>> = {
  webhook: 'destination IS NULL',
  destination: 'destination IS NOT NULL',
};
const NOT_FOUND = { webhook: webhookNotFound, destination: destinationNotFound } as const;

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
      refuseMoreWebhooks(await countReceivers(t, 'webhook'), maximum);
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
    return listReceivers(this.#database, 'webhook', query, toWebhook);
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

  async remove(id: string): Promise<void> {
    await removeReceiver(this.#database, 'webhook', id);
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
}

/** A page of all webhooks or all destinations, newest first. @throws AppError invalid_cursor */
export async function listReceivers<T>(
  database: Database,
  kind: ReceiverKind,
  query: PageQuery,
  toItem: (row: WebhookRow) => T,
): Promise<Page<T>> {
  const list = `${kind}s` as const;
  const rows = await database.all<NumberedRow>(
    `${SELECT_WEBHOOK} WHERE number < @before AND ${OF_KIND[kind]} ORDER BY number DESC LIMIT @most`,
    boundsOf(list, query),
  );
  return pageOf(database, list, rows, query.limit, referencesOf, (row) => toItem(readRow(COLUMNS, row)));
}

export async function countReceivers(t: Transaction, kind: ReceiverKind): Promise<number> {
  const sql = `SELECT count(*) AS count FROM webhooks WHERE ${OF_KIND[kind]}`;
  return (await t.get<{ readonly count: number }>(sql))!.count;
}

/** Removes a webhook or destination with its deliveries, even if its row is damaged. */
export async function removeReceiver(database: Database, kind: ReceiverKind, id: string): Promise<void> {
  await database.freeing(async () => {
    await removeEnded(database, await getNumber(database, id, kind));
    await database.write(async (t) => {
      const number = await getNumber(t, id, kind);
      await t.run('DELETE FROM webhook_deliveries WHERE webhook = @number', { number });
      await t.run('DELETE FROM webhook_secrets WHERE webhook = @number', { number });
      await t.run('DELETE FROM webhooks WHERE number = @number', { number });
    });
  });
}

/** Removes deliveries that have ended, so that the transaction that removes the receiver has little to do. */
async function removeEnded(database: Database, number: number): Promise<void> {
  const removeSome = () =>
    database.run(
      `DELETE FROM webhook_deliveries WHERE number IN (
         SELECT number FROM webhook_deliveries WHERE webhook = @number AND state <> 'pending' LIMIT ${REMOVED_ROWS})`,
      { number },
    );
  while ((await removeSome()) === REMOVED_ROWS);
}

/** The order of a webhook's secrets: an older secret expires no later than a newer one, and the newest never. */
export const NEWEST_FIRST = 'expires_at DESC NULLS FIRST';

/** The row of a webhook or destination. @throws AppError webhook_not_found, destination_not_found */
export async function getWebhookRow(sql: Sql, id: string, kind: ReceiverKind = 'webhook'): Promise<WebhookRow> {
  const row = await sql.get<NumberedRow>(`${SELECT_WEBHOOK} WHERE id = @id AND ${OF_KIND[kind]}`, { id });
  if (row === undefined) throw NOT_FOUND[kind](id);
  await refuseDamaged(sql, referencesOf(row));
  return readRow(COLUMNS, row);
}

/** The receiver's number, even if its row is damaged. @throws AppError webhook_not_found, destination_not_found */
async function getNumber(sql: Sql, id: string, kind: ReceiverKind): Promise<number> {
  const row = await sql.get<NumberedRow>(`SELECT number FROM webhooks WHERE id = @id AND ${OF_KIND[kind]}`, { id });
  if (row === undefined) throw NOT_FOUND[kind](id);
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

function toWebhook({ number: _, destination: _none, ...webhook }: WebhookRow): Webhook {
  return webhook;
}

function referencesOf({ number }: NumberedRow): readonly RowReference[] {
  return [['webhooks', { number }]];
}
