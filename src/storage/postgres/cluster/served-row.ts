/** The row with the versions that all processes of a cluster serve. */
import type { ServedRow } from '../../../domain/ports/served.ts';
import { changeServed, type ServedChange, type ServedVersions } from '../../../domain/served.ts';
import { readJson, toJson } from '../../sql/json.ts';
import type { Sql } from '../../sql/sql.ts';
import type { PostgresDatabase } from '../database/database.ts';

const TOPIC = 'served';
/** Interval at which the row is read while announcements may be missing. */
const POLL_MS = 500;

export class PostgresServedRow implements ServedRow {
  readonly #database: PostgresDatabase;
  readonly #listeners = new Set<(now: ServedVersions) => void>();
  #timer: NodeJS.Timeout | null = null;
  /** The last epoch that listeners received. */
  #told = 0;
  #looking: Promise<void> | null = null;
  #isMissed = false;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  get(): Promise<ServedVersions | null> {
    return read(this.#database);
  }

  async change(expectedEpoch: number, change: ServedChange): Promise<ServedVersions | null> {
    return this.#database.write(async (transaction) => {
      const next = changeServed(await read(transaction), expectedEpoch, change);
      if (next === null) return null;
      const { epoch, population, models } = next;
      await transaction.run(
        `INSERT INTO served (epoch, population, models) VALUES (@epoch, @population, @models)
         ON CONFLICT (one) DO UPDATE SET epoch = @epoch, population = @population, models = @models`,
        { epoch, population, models: toJson(models) },
      );
      transaction.announce(TOPIC);
      return next;
    });
  }

  onChanged(listener: (now: ServedVersions) => void): () => void {
    if (this.#timer === null) {
      this.#database.listen(TOPIC, () => this.#look());
      this.#timer = setInterval(() => {
        if (!this.#database.announcements.isFresh) this.#look();
      }, POLL_MS);
      this.#timer.unref();
      this.#look();
    }
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#listeners.clear();
  }

  /** Reads the row and tells the listeners, one read at a time. */
  #look(): void {
    this.#isMissed = true;
    this.#looking ??= this.#tell().finally(() => {
      this.#looking = null;
    });
  }

  async #tell(): Promise<void> {
    while (this.#isMissed) {
      this.#isMissed = false;
      // if the row cannot be read, the next poll tries again
      const now = await this.get().catch(() => null);
      if (now === null || now.epoch <= this.#told) continue;
      this.#told = now.epoch;
      for (const listener of this.#listeners) listener(now);
    }
  }
}

async function read(sql: Sql): Promise<ServedVersions | null> {
  const row = await sql.get<Omit<ServedVersions, 'models'> & { readonly models: string }>(
    'SELECT epoch, population, models FROM served',
  );
  return row === undefined ? null : { ...row, models: readJson(row.models, 'models') };
}
