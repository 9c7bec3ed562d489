/** Stores API keys in SQLite, with a cache that every request reads. */
import {
  type ApiKey,
  hashApiKey,
  type NewApiKey,
  newApiKey,
  refuseMoreKeys,
  type StoredApiKey,
} from '../../domain/api-keys.ts';
import { keyNotFound } from '../../domain/not-found.ts';
import type { ApiKeys } from '../../domain/ports/api-keys.ts';
import type { Page, PageQuery } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { boundsOf, type RowOf, readRow, selectList } from '../rows/columns.ts';
import { apiKeyColumns } from '../rows/keys-and-audit.ts';
import type { SqliteAuditLog } from './audit-log.ts';
import { insertRow, pageOf, SQLITE, toJson, updateRow } from './database/columns.ts';
import { type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import { type Database, write } from './database/database.ts';
import type { Freshness } from './database/driver.ts';
import { writeToFree } from './database/reserve.ts';
import type { Synchronous } from './promised.ts';

/** Maximum number of keys in the cache (about 500 bytes each); a full cache is emptied. */
const CACHED_KEYS = 10_000;

const COLUMNS = apiKeyColumns(SQLITE);

type KeyRow = RowOf<typeof COLUMNS>;

const SELECT_KEY = `SELECT ${selectList(COLUMNS)} FROM api_keys`;

/** Its dependencies. */
interface Parts {
  readonly audit: SqliteAuditLog;
  readonly freshness: Freshness;
  readonly clock: Clock;
}

export class SqliteApiKeys implements Synchronous<ApiKeys> {
  readonly #database: Database;
  readonly #parts: Parts;
  readonly #cached = new Map<string, StoredApiKey>();
  /** Whether there are any keys; null if unknown. */
  #exist: boolean | null = null;
  #dataVersion = -1;

  constructor(database: Database, parts: Parts) {
    this.#database = database;
    this.#parts = parts;
  }

  create(input: NewApiKey, maximum: number): { readonly apiKey: ApiKey; readonly key: string } {
    const { id, key } = newApiKey();
    const { audit, clock } = this.#parts;
    write(this.#database, () => {
      const count = this.#database
        .prepare('SELECT count(*) FROM api_keys WHERE revoked_at IS NULL')
        .pluck()
        .get() as number;
      refuseMoreKeys(count, maximum);
      const { name, scope, labels, expiresAt } = input;
      insertRow(this.#database, 'api_keys', {
        ...{ id, sha256: hashApiKey(key), name, scope, labels: toJson(labels) },
        ...{ created_at: clock.now(), expires_at: expiresAt },
      });
      audit.made(id);
    });
    this.#forget();
    return { apiKey: this.get(id), key };
  }

  get(id: string): ApiKey {
    return toApiKey(this.#getRow(id));
  }

  list(query: PageQuery): Page<ApiKey> {
    const rows = this.#database
      .prepare(`${SELECT_KEY} WHERE number < @before ORDER BY number DESC LIMIT @most`)
      .all(boundsOf('keys', query)) as { readonly number: number }[];
    return pageOf(this.#database, 'keys', rows, query.limit, referencesOf, (row) => toApiKey(readRow(COLUMNS, row)));
  }

  revoke(id: string): ApiKey {
    writeToFree(this.#database, () => {
      const { number, revokedAt } = this.#getRow(id);
      if (revokedAt === null) updateRow(this.#database, 'api_keys', number, { revoked_at: this.#parts.clock.now() });
    });
    this.#forget();
    return this.get(id);
  }

  find(id: string): StoredApiKey | null {
    this.#dropStale();
    const cached = this.#cached.get(id);
    if (cached !== undefined) return cached;
    const found = this.#findRow(id);
    if (found === null) return null; // ids without a key are not cached: anybody can send any number of them
    if (this.#cached.size >= CACHED_KEYS) this.#cached.clear();
    this.#cached.set(id, found);
    return found;
  }

  recordExpired(now: number): number {
    const isExpired = 'expired_at IS NULL AND expires_at <= @now';
    // a read takes no lock, and nearly always finds no expired key
    if (this.#database.prepare(`SELECT 1 FROM api_keys WHERE ${isExpired}`).get({ now }) === undefined) return 0;
    const update = this.#database.prepare(`UPDATE api_keys SET expired_at = @now WHERE ${isExpired}`);
    const { changes } = write(this.#database, () => update.run({ now }));
    this.#forget();
    return changes;
  }

  exist(): boolean {
    this.#dropStale();
    this.#exist ??= this.#database.prepare('SELECT EXISTS (SELECT 1 FROM api_keys)').pluck().get() === 1;
    return this.#exist;
  }

  #findRow(id: string): KeyRow | null {
    const row = this.#database.prepare(`${SELECT_KEY} WHERE id = @id`).get({ id });
    if (row === undefined) return null;
    refuseDamaged(this.#database, referencesOf(row as { readonly number: number }));
    return readRow(COLUMNS, row);
  }

  #getRow(id: string): KeyRow {
    const row = this.#findRow(id);
    if (row === null) throw keyNotFound(id);
    return row;
  }

  #dropStale(): void {
    const dataVersion = this.#parts.freshness.version();
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    this.#forget();
  }

  /** Empties the cache after commits by this connection, which do not change `data_version`. */
  #forget(): void {
    this.#cached.clear();
    this.#exist = null;
  }
}

function toApiKey({ number: _, sha256: __, ...apiKey }: KeyRow): ApiKey {
  return apiKey;
}

function referencesOf({ number }: { readonly number: number }): RowReference[] {
  return [['api_keys', { number }]];
}
