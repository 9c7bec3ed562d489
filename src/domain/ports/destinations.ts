/** The port of destinations, whose deliveries are in the outbox like those of webhooks. */
import type { Destination, DestinationChange, NewDestination } from '../destinations.ts';
import type { IdempotentRequest } from '../idempotency.ts';
import type { Page, PageQuery } from '../pages.ts';
import type { Accept } from './accept.ts';

/** A method that writes returns once its effect is on disk, like the methods of `Webhooks`. */
export interface Destinations {
  /** @throws AppError too_many_destinations */
  create(
    input: NewDestination,
    maximum: number,
    now: number,
    once?: IdempotentRequest<Destination>,
  ): Promise<Destination>;

  /** @throws AppError destination_not_found */
  get(id: string): Promise<Destination>;

  /** All destinations, newest first. @throws AppError invalid_cursor */
  list(query: PageQuery): Promise<Page<Destination>>;

  /**
   * Changes the named fields of a destination, also for pending deliveries. `accept` is called with the destination
   * before the change.
   * @throws AppError destination_not_found; any error that `accept` throws
   */
  update(id: string, change: DestinationChange, now: number, accept?: Accept<Destination>): Promise<Destination>;

  /** Removes a destination and its deliveries, but no files. @throws AppError destination_not_found */
  remove(id: string): Promise<void>;
}
