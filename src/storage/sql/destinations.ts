/** Destinations: receivers with a place to write to and without a secret. */
import {
  type Destination,
  type DestinationChange,
  type NewDestination,
  refuseMoreDestinations,
} from '../../domain/destinations.ts';
import type { IdempotentRequest } from '../../domain/idempotency.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Destinations } from '../../domain/ports/destinations.ts';
import { DESTINATION_EVENTS } from '../../domain/webhook-types.ts';
import type { AuditRepository } from './audit-log.ts';
import type { StoreDependencies } from './dependencies.ts';
import { toJson } from './json.ts';
import { ReceiverRepository, type ReceiverRow } from './receivers.ts';

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
