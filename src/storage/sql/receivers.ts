/** Webhooks and destinations: both are rows of one table that receive events. */
import { randomUUID } from 'node:crypto';
import {
  type Destination,
  type DestinationChange,
  type NewDestination,
  refuseMoreDestinations,
} from '../../domain/destinations.ts';
import type { IdempotentRequest } from '../../domain/idempotency.ts';
import { destinationNotFound, webhookNotFound } from '../../domain/not-found.ts';
import type { Page, PageQuery } from '../../domain/pages.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Destinations } from '../../domain/ports/destinations.ts';
import type { ReceiverKind } from '../../domain/ports/outbox.ts';
import type { Webhooks } from '../../domain/ports/webhooks.ts';
import {
  type CampaignEvent,
  DESTINATION_EVENTS,
  type NewWebhook,
  type SignedWebhook,
  type Webhook,
  type WebhookChange,
} from '../../domain/webhook-types.ts';
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
  type Written,
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

type ReceiverRow = RowOf<typeof COLUMNS>;
type NumberedRow = { readonly number: number };

const SELECT_RECEIVER = `SELECT ${selectList(COLUMNS)} FROM webhooks`;

/** Selects the rows of webhooks or of destinations. */
const OF_KIND: Readonly<Record<ReceiverKind, string>> = {
  webhook: 'destination IS NULL',
  destination: 'destination IS NOT NULL',
};
const NOT_FOUND = { webhook: webhookNotFound, destination: destinationNotFound } as const;

/** How to create a receiver. */
interface Creation<Made> {
  readonly columns: Written;
  readonly now: number;
  readonly once: IdempotentRequest<Made> | undefined;
  /** Throws if there are too many receivers of this kind. */
  refuseMore(count: number): void;
  /** Completes the receiver and returns the result. */
  finish(t: Transaction, row: ReceiverRow): Made | Promise<Made>;
}

/** A repository of webhooks or of destinations. */
class ReceiverRepository<T> {
  protected readonly database: Database;
  readonly #audit: AuditRepository;
  readonly #kind: ReceiverKind;
  readonly #toItem: (row: ReceiverRow) => T;

  constructor(
    { database }: StoreDependencies,
    audit: AuditRepository,
    kind: ReceiverKind,
    toItem: (row: ReceiverRow) => T,
  ) {
    this.database = database;
    this.#audit = audit;
    this.#kind = kind;
    this.#toItem = toItem;
  }

  async get(id: string): Promise<T> {
    return this.#toItem(await getReceiverRow(this.database, id, this.#kind));
  }

  async list(query: PageQuery): Promise<Page<T>> {
    const list = `${this.#kind}s` as const;
    const rows = await this.database.all<NumberedRow>(
      `${SELECT_RECEIVER} WHERE number < @before AND ${OF_KIND[this.#kind]} ORDER BY number DESC LIMIT @most`,
      boundsOf(list, query),
    );
    const toItem = (row: NumberedRow) => this.#toItem(readRow(COLUMNS, row));
    return pageOf(this.database, list, rows, query.limit, referencesOf, toItem);
  }

  /** Removes the receiver and its deliveries, even if its row is damaged. */
  async remove(id: string): Promise<void> {
    await this.database.freeing(async () => {
      await removeEnded(this.database, await getNumber(this.database, id, this.#kind));
      await this.database.write(async (t) => {
        const number = await getNumber(t, id, this.#kind);
        await t.run('DELETE FROM webhook_deliveries WHERE webhook = @number', { number });
        await t.run('DELETE FROM webhook_secrets WHERE webhook = @number', { number });
        await t.run('DELETE FROM webhooks WHERE number = @number', { number });
      });
    });
  }

  protected async insert<Made>({ columns, now, once, refuseMore, finish }: Creation<Made>): Promise<Made> {
    const id = randomUUID();
    return this.database.write(async (t) => {
      const counted = `SELECT count(*) AS count FROM webhooks WHERE ${OF_KIND[this.#kind]}`;
      refuseMore((await t.get<{ readonly count: number }>(counted))!.count);
      await insertRow(t, 'webhooks', { id, ...columns, enabled: true, created_at: now, updated_at: now });
      this.#audit.made(id);
      const made = await finish(t, await getReceiverRow(t, id, this.#kind));
      await keepAnswerOf(t, once, made, OF_NO_CAMPAIGN, now);
      return made;
    });
  }

  /** Writes the columns that `columnsOf` returns. */
  protected async change(
    id: string,
    now: number,
    accept: Accept<T> | undefined,
    columnsOf: (row: ReceiverRow) => Written,
  ): Promise<T> {
    return this.database.write(async (t) => {
      const row = await getReceiverRow(t, id, this.#kind);
      accept?.(this.#toItem(row));
      await updateRow(t, 'webhooks', row.number, { ...columnsOf(row), updated_at: now });
      return this.#toItem(await getReceiverRow(t, id, this.#kind));
    });
  }
}

/** Removes completed deliveries first, so that the transaction that removes the receiver has little to do. */
async function removeEnded(database: Database, number: number): Promise<void> {
  const removeSome = () =>
    database.run(
      `DELETE FROM webhook_deliveries WHERE number IN (
         SELECT number FROM webhook_deliveries WHERE webhook = @number AND state <> 'pending' LIMIT ${REMOVED_ROWS})`,
      { number },
    );
  while ((await removeSome()) === REMOVED_ROWS);
}

/** The row of a webhook or destination. @throws AppError webhook_not_found, destination_not_found */
export async function getReceiverRow(sql: Sql, id: string, kind: ReceiverKind): Promise<ReceiverRow> {
  const row = await sql.get<NumberedRow>(`${SELECT_RECEIVER} WHERE id = @id AND ${OF_KIND[kind]}`, { id });
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

function referencesOf({ number }: NumberedRow): readonly RowReference[] {
  return [['webhooks', { number }]];
}

/** Webhooks and their signing secrets. */
export class WebhookRepository extends ReceiverRepository<Webhook> implements Webhooks {
  constructor(dependencies: StoreDependencies, audit: AuditRepository) {
    super(dependencies, audit, 'webhook', toWebhook);
  }

  async create(
    input: NewWebhook,
    maximum: number,
    now: number,
    once?: IdempotentRequest<SignedWebhook>,
  ): Promise<SignedWebhook> {
    const secret = newWebhookSecret();
    return this.insert({
      columns: toWritten(input),
      now,
      once,
      refuseMore: (count) => refuseMoreWebhooks(count, maximum),
      finish: async (t, row) => {
        await insert(t, 'webhook_secrets', { webhook: row.number, secret });
        return { webhook: toWebhook(row), secret };
      },
    });
  }

  async update(id: string, change: WebhookChange, now: number, accept?: Accept<Webhook>): Promise<Webhook> {
    return this.change(id, now, accept, (row) => ({ ...toWritten(change), disabled_reason: reasonAfter(row, change) }));
  }

  async rotate(
    id: string,
    graceMs: number,
    now: number,
    once?: IdempotentRequest<SignedWebhook>,
  ): Promise<SignedWebhook> {
    const secret = newWebhookSecret();
    return this.database.write(async (t) => {
      const { number: webhook } = await getReceiverRow(t, id, 'webhook');
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
      const made = { webhook: toWebhook(await getReceiverRow(t, id, 'webhook')), secret };
      await keepAnswerOf(t, once, made, OF_NO_CAMPAIGN, now);
      return made;
    });
  }
}

/** Sorts the secrets of a webhook. An older secret expires no later than a newer one, and the newest never expires. */
export const NEWEST_FIRST = 'expires_at DESC NULLS FIRST';

/** Columns for the fields that a caller has set. */
function toWritten({ url, events, description, enabled }: WebhookChange) {
  return { url, events: toJson(events), description, enabled };
}

function toWebhook({ number: _, destination: _none, ...webhook }: ReceiverRow): Webhook {
  return webhook;
}

/** Destinations: receivers with a place to write to and without a secret. */
export class DestinationRepository extends ReceiverRepository<Destination> implements Destinations {
  constructor(dependencies: StoreDependencies, audit: AuditRepository) {
    super(dependencies, audit, 'destination', toDestination);
  }

  async create(
    input: NewDestination,
    maximum: number,
    now: number,
    once?: IdempotentRequest<Destination>,
  ): Promise<Destination> {
    const events = toJson(DESTINATION_EVENTS);
    return this.insert({
      columns: { url: '', events, description: input.name, destination: toJson(input) },
      now,
      once,
      refuseMore: (count) => refuseMoreDestinations(count, maximum),
      finish: (_, row) => toDestination(row),
    });
  }

  async update(
    id: string,
    { paused, ...change }: DestinationChange,
    now: number,
    accept?: Accept<Destination>,
  ): Promise<Destination> {
    return this.change(id, now, accept, ({ destination }) => ({
      description: change.name,
      enabled: paused === undefined ? undefined : !paused,
      // fields that the caller did not set are undefined
      destination: toJson({ ...destination, ...JSON.parse(JSON.stringify(change)) }),
    }));
  }
}

function toDestination({ id, enabled, createdAt, updatedAt, destination }: ReceiverRow): Destination {
  return { ...destination!, id, paused: !enabled, createdAt, updatedAt };
}
