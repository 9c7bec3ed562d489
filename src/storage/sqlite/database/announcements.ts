/**
 * Announcements between processes that have the same database open. A transaction that announces topics increases their
 * counts in a table. A process reads the table when `data_version` shows that others have committed.
 */
import type { Listener, Sql } from '../../sql/sql.ts';
import { type Connection, Freshness } from './driver.ts';

type Announced = readonly (readonly [topic: string, key: string | null])[];

export class Announcements {
  readonly #freshness: Freshness;
  readonly #readNumbers;
  readonly #listeners = new Map<string, Listener[]>();
  /** The number of announcements per topic that the listeners already know. */
  readonly #known = new Map<string, number>();
  #dataVersion = -1;

  constructor(reader: Connection) {
    this.#freshness = new Freshness(reader);
    this.#readNumbers = reader.prepare('SELECT topic, number FROM announcements');
  }

  /** Delivers what other processes have announced so far, at most once per turn of the event loop. */
  get isFresh(): true {
    const dataVersion = this.#freshness.version();
    if (dataVersion === this.#dataVersion) return true;
    this.#dataVersion = dataVersion;
    for (const { topic, number } of this.#readNumbers.all() as { topic: string; number: number }[]) {
      if (this.#known.get(topic) === number) continue;
      this.#known.set(topic, number);
      this.#tell(topic, null);
    }
    return true;
  }

  get staleMs(): 0 {
    return 0;
  }

  listen(topic: string, listener: Listener): void {
    this.#listeners.set(topic, [...(this.#listeners.get(topic) ?? []), listener]);
  }

  /** Counts the announcements in their transaction. Returns the new numbers by topic. */
  async record(sql: Sql, announced: Announced): Promise<ReadonlyMap<string, number>> {
    const numbers = new Map<string, number>();
    for (const topic of new Set(announced.map(([topic]) => topic))) {
      const row = await sql.get<{ readonly number: number }>(
        `INSERT INTO announcements (topic, number) VALUES (@topic, 1)
         ON CONFLICT (topic) DO UPDATE SET number = number + 1 RETURNING number`,
        { topic },
      );
      numbers.set(topic, row!.number);
    }
    return numbers;
  }

  /** Calls the listeners of this process, after the commit. */
  deliver(announced: Announced, numbers: ReadonlyMap<string, number>): void {
    for (const [topic, number] of numbers)
      if ((this.#known.get(topic) ?? 0) === number - 1) this.#known.set(topic, number);
    for (const [topic, key] of announced) this.#tell(topic, key);
  }

  #tell(topic: string, key: string | null): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener(key);
  }
}
