/**
 * Keeps the active audiences of all campaigns in memory. They are read completely once; later reads follow the feed of
 * changes. There may be very many campaigns, and any change of one of them outdates the list.
 */
import type { Audience } from '../../domain/types.ts';
import type { Bound, Database, Sql } from './sql.ts';

/** If there are more changes than this, all audiences are read again. */
const MOST_CHANGES = 10_000;

/** An audience and the number of its campaign, by which audiences are sorted. */
export interface NumberedAudience {
  readonly number: number;
  readonly audience: Audience;
}

/** Reads active audiences in the order of campaigns; `which` follows WHERE. */
type ReadActive = (sql: Sql, which: string, bound?: Bound) => Promise<readonly NumberedAudience[]>;

/** A position in the feed. After a failover, changes that were read may be lost. */
interface Place {
  readonly change: number;
  /** When the server was started. */
  readonly server: string;
}

function selectPlace({ dialect }: Sql): string {
  return `SELECT coalesce(max(number), 0) AS change, ${dialect.serverStart} AS server FROM changes`;
}

export class ActiveAudiences {
  readonly #database: Database;
  readonly #readActive: ReadActive;
  #place: Place | null = null;
  #audiences: readonly Audience[] = [];
  /** Campaign numbers, once in ascending order and once by campaign id. */
  #numbers: number[] = [];
  #numberOf = new Map<string, number>();
  #reading: Promise<unknown> = Promise.resolve();

  constructor(database: Database, readActive: ReadActive) {
    this.#database = database;
    this.#readActive = readActive;
  }

  /** The active audiences, sorted by campaign. Returns the same array as before if nothing has changed. */
  read(): Promise<readonly Audience[]> {
    const read = this.#reading.then(async () => {
      await (this.#place === null ? this.#readAll() : this.#follow(this.#place));
      return this.#audiences;
    });
    this.#reading = read.catch(() => {});
    return read;
  }

  async #readAll(): Promise<void> {
    const { place, rows } = await this.#database.read(async (state) => ({
      place: (await state.get<Place>(selectPlace(state)))!,
      rows: await this.#readActive(state, 'true'),
    }));
    this.#numbers = rows.map(({ number }) => number);
    this.#audiences = rows.map(({ audience }) => audience);
    this.#numberOf = new Map(rows.map(({ number, audience }) => [audience.campaignId, number]));
    this.#place = place;
  }

  async #follow(place: Place): Promise<void> {
    const now = (await this.#database.get<Place>(selectPlace(this.#database)))!;
    if (now.change === place.change && now.server === place.server) return;
    if (now.server !== place.server || now.change - place.change > MOST_CHANGES) return this.#readAll();
    const changes = await this.#database.all<{ readonly id: string }>(
      'SELECT DISTINCT campaign_id AS id FROM changes WHERE number > @after',
      { after: place.change },
    );
    const ids = changes.map(({ id }) => id);
    const rows = await this.#readActive(this.#database, `c.id ${this.#database.dialect.isAnyOf('ids', 'text')}`, {
      ids,
    });
    this.#replace(ids, new Map(rows.map((row) => [row.audience.campaignId, row])));
    this.#place = now;
  }

  /** Replaces the audiences of campaigns. If a campaign no longer has an active audience, its entry is removed. */
  #replace(ids: readonly string[], found: ReadonlyMap<string, NumberedAudience>): void {
    const audiences = [...this.#audiences];
    for (const id of ids) {
      const row = found.get(id);
      const number = row?.number ?? this.#numberOf.get(id);
      if (number === undefined) continue;
      const at = placeOf(this.#numbers, number);
      const removed = this.#numbers[at] === number ? 1 : 0;
      audiences.splice(at, removed, ...(row ? [row.audience] : []));
      this.#numbers.splice(at, removed, ...(row ? [number] : []));
      if (row) this.#numberOf.set(id, number);
      else this.#numberOf.delete(id);
    }
    this.#audiences = audiences;
  }
}

/** The index of the first number that is not less than `number`. */
function placeOf(numbers: readonly number[], number: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
