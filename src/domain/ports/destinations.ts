/** The port of destinations. Their deliveries use the same outbox as those of webhooks. */
import type { Destination, DestinationChange, NewDestination } from '../destinations.ts';
import type { IdempotentRequest } from '../idempotency.ts';
import type { Page, PageQuery } from '../pages.ts';
import type { Accept } from './accept.ts';

/** Like those of `Webhooks`, writing methods return when their effect is on disk. */
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

  /** A page of destinations, newest first. @throws AppError invalid_cursor */
  list(query: PageQuery): Promise<Page<Destination>>;

  /**
   * Changes fields of a destination; pending deliveries use the new values. `accept` is called with the destination
   * before the change.
   * @throws AppError destination_not_found; any error that `accept` throws
   */
  update(id: string, change: DestinationChange, now: number, accept?: Accept<Destination>): Promise<Destination>;

  /** Removes a destination and its deliveries. Delivered files stay. @throws AppError destination_not_found */
  remove(id: string): Promise<void>;
}
