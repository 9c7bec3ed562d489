/** Destinations: rows of webhooks that have settings of a destination and no secret. */
import { randomUUID } from 'node:crypto';
import { type Destination, type NewDestination, refuseMoreDestinations } from '../../domain/destinations.ts';
import type { Destinations } from '../../domain/ports/destinations.ts';
import type { IdempotentRequest, Page, PageQuery } from '../../domain/types.ts';
import { DESTINATION_EVENTS } from '../../domain/webhook-types.ts';
import type { AuditRepository } from './audit-log.ts';
import { insertRow } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import { keepAnswerOf, OF_NO_CAMPAIGN } from './idempotency.ts';
import { toJson } from './json.ts';
import type { Database } from './sql.ts';
import { countReceivers, getWebhookRow, listReceivers, removeReceiver, type WebhookRow } from './webhooks.ts';

export class DestinationRepository implements Destinations {
  readonly #database: Database;
  readonly #audit: AuditRepository;

  constructor({ database }: StoreDependencies, audit: AuditRepository) {
    this.#database = database;
    this.#audit = audit;
  }

  async create(
    input: NewDestination,
    maximum: number,
    now: number,
    once?: IdempotentRequest<Destination>,
  ): Promise<Destination> {
    const id = randomUUID();
    return this.#database.write(async (t) => {
      refuseMoreDestinations(await countReceivers(t, 'destination'), maximum);
      await insertRow(t, 'webhooks', {
        id,
        url: '',
        events: toJson(DESTINATION_EVENTS),
        description: input.name,
        enabled: true,
        destination: toJson(input),
        created_at: now,
        updated_at: now,
      });
      this.#audit.made(id);
      const made = { ...input, id, createdAt: now };
      await keepAnswerOf(t, once, made, OF_NO_CAMPAIGN, now);
      return made;
    });
  }

  async get(id: string): Promise<Destination> {
    return toDestination(await getWebhookRow(this.#database, id, 'destination'));
  }

  list(query: PageQuery): Promise<Page<Destination>> {
    return listReceivers(this.#database, 'destination', query, toDestination);
  }

  async remove(id: string): Promise<void> {
    await removeReceiver(this.#database, 'destination', id);
  }
}

function toDestination({ id, createdAt, destination }: WebhookRow): Destination {
  return { ...destination!, id, createdAt };
}
