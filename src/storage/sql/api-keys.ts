/** Stores API keys. All keys are also kept in memory, where each request looks up its key. */
import {
  type ApiKey,
  hashApiKey,
  type NewApiKey,
  newApiKey,
  refuseMoreKeys,
  type Scope,
  type StoredApiKey,
} from '../../domain/api-keys.ts';
import { keyNotFound } from '../../domain/not-found.ts';
import type { Page, PageQuery } from '../../domain/pages.ts';
import type { ApiKeys } from '../../domain/ports/api-keys.ts';
import type { Labels } from '../../domain/types.ts';
import { andThen } from '../../lib/at-once.ts';
import { systemClock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { AuditRepository } from './audit-log.ts';
import { boundsOf, insert, json, pageOf, plain, type RowOf, readRow, refuseDamaged, selectList } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import { toJson } from './json.ts';
import { Remembered } from './remembered.ts';
import type { Database, RowReference, Sql } from './sql.ts';

const COLUMNS = {
  number: plain<number>('number'),
  id: plain<string>('id'),
  sha256: plain<string>('sha256'),
  name: plain<string>('name'),
  scope: plain<Scope>('scope'),
  labels: json<Labels>('labels'),
  createdAt: plain<number>('created_at'),
  expiresAt: plain<number | null>('expires_at'),
  expiredAt: plain<number | null>('expired_at'),
  revokedAt: plain<number | null>('revoked_at'),
};

type KeyRow = RowOf<typeof COLUMNS>;
type UnreadRow = Pick<KeyRow, 'number' | 'id'>;

/** A damaged key is null. */
type Keys = ReadonlyMap<string, StoredApiKey | null>;

const SELECT_KEY = `SELECT ${selectList(COLUMNS)} FROM api_keys`;
const TOPIC = 'api_keys';

/** Counts the keys at the time `@now`, for `KeyCounts`. */
export const COUNT_KEYS = `SELECT count(*) AS made, count(*) FILTER (WHERE valid) AS valid,
    count(*) FILTER (WHERE valid AND scope = 'admin') AS admin
  FROM (SELECT scope, revoked_at IS NULL AND expired_at IS NULL AND (expires_at IS NULL OR expires_at > @now) AS valid
        FROM api_keys) keys`;

/** How long keys in memory are used while the database does not answer. */
const OUTAGE_MS = 60_000;

export class ApiKeyRepository implements ApiKeys {
  readonly #dependencies: StoreDependencies;
  readonly #audit: AuditRepository;
  /** All keys ever created, by id: about 500 bytes each. */
  readonly #keys: Remembered<Keys>;
  #last: { readonly keys: Keys; readonly readAt: number } | null = null;

  constructor(dependencies: StoreDependencies, audit: AuditRepository) {
    const { database } = dependencies;
    this.#dependencies = dependencies;
    this.#audit = audit;
    this.#keys = new Remembered(database, TOPIC, 1, () => readKeys(database));
  }

  async create(input: NewApiKey, maximum: number): Promise<{ readonly apiKey: ApiKey; readonly key: string }> {
    const { id, key } = newApiKey();
    const { database } = this.#dependencies;
    const made = await database.write(async (t) => {
      const { count } = (await t.get<{ readonly count: number }>(
        'SELECT count(*) AS count FROM api_keys WHERE revoked_at IS NULL',
      ))!;
      refuseMoreKeys(count, maximum);
      const { name, scope, labels, expiresAt } = input;
      await insert(t, 'api_keys', {
        id,
        sha256: hashApiKey(key),
        name,
        scope,
        labels: toJson(labels),
        created_at: this.#now(),
        expires_at: expiresAt,
      });
      this.#audit.made(id);
      t.announce(TOPIC, id);
      return getRow(t, id);
    });
    return { apiKey: toApiKey(made), key };
  }

  async get(id: string): Promise<ApiKey> {
    return toApiKey(await getRow(this.#dependencies.database, id));
  }

  async list(query: PageQuery): Promise<Page<ApiKey>> {
    const { database } = this.#dependencies;
    const rows = await database.all<UnreadRow>(
      `${SELECT_KEY} WHERE number < @before ORDER BY number DESC LIMIT @most`,
      boundsOf('keys', query),
    );
    return pageOf(database, 'keys', rows, query.limit, referencesOf, (row) => toApiKey(readRow(COLUMNS, row)));
  }

  async revoke(id: string): Promise<ApiKey> {
    const { database } = this.#dependencies;
    const revoke = () =>
      database.write(async (t) => {
        await getRow(t, id);
        await t.run('UPDATE api_keys SET revoked_at = @now WHERE id = @id AND revoked_at IS NULL', {
          id,
          now: this.#now(),
        });
        t.announce(TOPIC, id);
        return getRow(t, id);
      });
    return toApiKey(await database.freeing(revoke));
  }

  find(id: string): StoredApiKey | null | Promise<StoredApiKey | null> {
    return andThen(this.#allKeys(), (keys) => {
      const key = keys.get(id);
      return key === null ? getRow(this.#dependencies.database, id).then(toStored) : (key ?? null);
    });
  }

  async recordExpired(now: number, id?: string): Promise<number> {
    const { database } = this.#dependencies;
    const where = `WHERE expired_at IS NULL AND expires_at <= @now ${id === undefined ? '' : 'AND id = @id'}`;
    const bound = { now, id: id ?? null };
    // a read takes no lock, and almost always finds no expired key
    if ((await database.get(`SELECT 1 AS found FROM api_keys ${where} LIMIT 1`, bound)) === undefined) return 0;
    return database.write(async (t) => {
      t.announce(TOPIC);
      return t.run(`UPDATE api_keys SET expired_at = @now ${where}`, bound);
    });
  }

  exist(): boolean | Promise<boolean> {
    return andThen(this.#allKeys(), ({ size }) => size > 0);
  }

  /**
   * Returns all keys. If they have changed but the database does not answer, returns keys that are at most a minute
   * old.
   */
  #allKeys(): Keys | Promise<Keys> {
    const keys = this.#keys.get('');
    return keys instanceof Promise ? this.#readKeys(keys) : keys;
  }

  async #readKeys(reading: Promise<Keys>): Promise<Keys> {
    const now = systemClock.elapsed();
    try {
      this.#last = { keys: await reading, readAt: now };
    } catch (error) {
      const isOutage = error instanceof AppError && ['unavailable', 'storage_failed'].includes(error.code);
      if (!isOutage || this.#last === null || now - this.#last.readAt > OUTAGE_MS) throw error;
    }
    return this.#last.keys;
  }

  #now(): number {
    return this.#dependencies.options.clock.now();
  }
}

async function readKeys(database: Database): Promise<Keys> {
  const keys = new Map<string, StoredApiKey | null>();
  for (const row of await database.all<UnreadRow>(SELECT_KEY)) {
    const isDamaged = (await database.findDamaged(referencesOf(row))) !== null;
    keys.set(row.id, isDamaged ? null : toStored(readRow(COLUMNS, row)));
  }
  return keys;
}

/** @throws AppError key_not_found */
async function getRow(sql: Sql, id: string): Promise<KeyRow> {
  const row = await sql.get<UnreadRow>(`${SELECT_KEY} WHERE id = @id`, { id });
  if (row === undefined) throw keyNotFound(id);
  await refuseDamaged(sql, referencesOf(row));
  return readRow(COLUMNS, row);
}

function toStored({ number: _, ...key }: KeyRow): StoredApiKey {
  return key;
}

function toApiKey({ number: _, sha256: __, ...apiKey }: KeyRow): ApiKey {
  return apiKey;
}

function referencesOf({ number }: UnreadRow): readonly RowReference[] {
  return [['api_keys', { number }]];
}
