/** Destinations: receivers that have settings of a destination and no secret. */
import { type Destination, type NewDestination, refuseMoreDestinations } from '../../domain/destinations.ts';
import type { Destinations } from '../../domain/ports/destinations.ts';
import type { IdempotentRequest } from '../../domain/types.ts';
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
}

function toDestination({ id, createdAt, destination }: ReceiverRow): Destination {
  return { ...destination!, id, createdAt };
}
