/**
 * Counts requests across all processes of a cluster, in an unlogged table, which may lose its rows if the server
 * crashes.
 */
import type { ClientCounts, SharedCounts } from '../../../domain/ports/cluster.ts';
import type { PostgresDatabase } from '../database/database.ts';

/** Maximum number of rows of earlier windows that are removed at once. */
const MOST_REMOVED = 10_000;

export class PostgresCounts implements SharedCounts {
  readonly #database: PostgresDatabase;
  /** The last window to which this process added counts. */
  #window = 0;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async add(window: number, added: ClientCounts): Promise<ClientCounts> {
    const clients = [...added.keys()].sort();
    const rows = await this.#database.all<{ readonly client: string; readonly requests: number }>(
      // rows are locked in the order of clients, so two processes never wait for each other
      `INSERT INTO request_counts (time_window, client, requests)
       SELECT @window::bigint, client, requests
       FROM unnest(@clients::text[], @counts::bigint[]) AS added (client, requests) ORDER BY client
       ON CONFLICT (time_window, client) DO UPDATE SET requests = request_counts.requests + excluded.requests
       RETURNING client, requests`,
      { window, clients, counts: clients.map((client) => added.get(client)!) },
    );
    if (window > this.#window) await this.#removeBefore(window);
    this.#window = window;
    return new Map(rows.map(({ client, requests }) => [client, requests]));
  }

  async #removeBefore(window: number): Promise<void> {
    await this.#database.run(
      `DELETE FROM request_counts WHERE ctid = ANY (ARRAY (
         SELECT ctid FROM request_counts WHERE time_window < @window LIMIT ${MOST_REMOVED} FOR UPDATE SKIP LOCKED))`,
      { window },
    );
  }
}
