/** Stores API keys in Postgres. Every request finds its key in memory, where all keys are. */
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
import { boundsOf, type RowOf, selectList } from '../rows/columns.ts';
import { apiKeyColumns } from '../rows/keys-and-audit.ts';
import type { PostgresAuditLog } from './audit-log.ts';
import type { Connection } from './connection.ts';
import { insert, POSTGRES, pageOf } from './database/columns.ts';
import type { Sql } from './database/database.ts';
import { Snapshot } from './database/snapshot.ts';
import { toJson } from './database/statement.ts';

const COLUMNS = apiKeyColumns(POSTGRES);

type KeyRow = RowOf<typeof COLUMNS>;

const SELECT_KEY = `SELECT ${selectList(COLUMNS)} FROM api_keys`;
const TOPIC = 'api_keys';

export class PostgresApiKeys implements ApiKeys {
  readonly #connection: Connection;
  readonly #audit: PostgresAuditLog;
  /** All keys ever created, by id: about 500 bytes each. */
  readonly #keys: Snapshot<ReadonlyMap<string, StoredApiKey>>;

  constructor(connection: Connection, audit: PostgresAuditLog) {
    const { database } = connection;
    this.#connection = connection;
    this.#audit = audit;
    this.#keys = new Snapshot(database, TOPIC, async () => byId(await database.all<KeyRow>(SELECT_KEY)));
  }

  async create(input: NewApiKey, maximum: number): Promise<{ readonly apiKey: ApiKey; readonly key: string }> {
    const { id, key } = newApiKey();
    const made = await this.#connection.database.write(async (transaction) => {
      const { count } = (await transaction.get<{ readonly count: number }>(
        'SELECT count(*) AS count FROM api_keys WHERE revoked_at IS NULL',
      ))!;
      refuseMoreKeys(count, maximum);
      const { name, scope, labels, expiresAt } = input;
      await insert(transaction, 'api_keys', {
        ...{ id, sha256: hashApiKey(key), name, scope, labels: toJson(labels) },
        ...{ created_at: this.#now(), expires_at: expiresAt },
      });
      this.#audit.made(id);
      transaction.announce(TOPIC, id);
      return getRow(transaction, id);
    });
    this.#see([made]);
    return { apiKey: toApiKey(made), key };
  }

  async get(id: string): Promise<ApiKey> {
    return toApiKey(await getRow(this.#connection.database, id));
  }

  async list(query: PageQuery): Promise<Page<ApiKey>> {
    const rows = await this.#connection.database.all<KeyRow>(
      `${SELECT_KEY} WHERE number < @before ORDER BY number DESC LIMIT @most`,
      boundsOf('keys', query),
    );
    return pageOf('keys', rows, query.limit, toApiKey);
  }

  async revoke(id: string): Promise<ApiKey> {
    const revoked = await this.#connection.database.write(async (transaction) => {
      await transaction.run('UPDATE api_keys SET revoked_at = @now WHERE id = @id AND revoked_at IS NULL', {
        ...{ id, now: this.#now() },
      });
      transaction.announce(TOPIC, id);
      return getRow(transaction, id);
    });
    this.#see([revoked]);
    return toApiKey(revoked);
  }

  async find(id: string): Promise<StoredApiKey | null> {
    return (await this.#keys.get()).get(id) ?? null;
  }

  async recordExpired(now: number): Promise<number> {
    const { database } = this.#connection;
    const where = 'WHERE expired_at IS NULL AND expires_at <= @now';
    // a read takes no lock, and nearly always finds no expired key
    if ((await database.get(`SELECT 1 FROM api_keys ${where} LIMIT 1`, { now })) === undefined) return 0;
    const expired = await database.write(async (transaction) => {
      transaction.announce(TOPIC);
      return transaction.all<KeyRow>(
        `UPDATE api_keys SET expired_at = @now ${where} RETURNING ${selectList(COLUMNS)}`,
        { now },
      );
    });
    this.#see(expired);
    return expired.length;
  }

  async exist(): Promise<boolean> {
    return (await this.#keys.get()).size > 0;
  }

  /** Ends the renewal of the keys in memory. */
  close(): void {
    this.#keys.close();
  }

  /** Makes changes by this process visible at once. */
  #see(rows: readonly KeyRow[]): void {
    this.#keys.change((keys) => new Map([...keys, ...byId(rows)]));
  }

  #now(): number {
    return this.#connection.options.clock.now();
  }
}

/** @throws AppError key_not_found */
async function getRow(sql: Sql, id: string): Promise<KeyRow> {
  const row = await sql.get<KeyRow>(`${SELECT_KEY} WHERE id = @id`, { id });
  if (row === undefined) throw keyNotFound(id);
  return row;
}

function byId(rows: readonly KeyRow[]): Map<string, StoredApiKey> {
  return new Map(rows.map(({ number: _, ...key }) => [key.id, key]));
}

function toApiKey({ number: _, sha256: __, ...apiKey }: KeyRow): ApiKey {
  return apiKey;
}
