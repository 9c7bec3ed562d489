/** The port of API keys. */
import type { ApiKey, NewApiKey, StoredApiKey } from '../api-keys.ts';
import type { Page, PageQuery } from '../pages.ts';

/**
 * The API keys of a store. A method that writes returns once its effect is on disk; if it throws, it has had no effect.
 */
export interface ApiKeys {
  /**
   * Creates an API key. No other method returns the key itself. `maximum` limits the number of unrevoked keys.
   * @throws AppError too_many_keys
   */
  create(input: NewApiKey, maximum: number): Promise<{ readonly apiKey: ApiKey; readonly key: string }>;

  /** @throws AppError key_not_found */
  get(id: string): Promise<ApiKey>;

  /**
   * All keys, newest first, including revoked keys.
   * @throws AppError invalid_cursor
   */
  list(query: PageQuery): Promise<Page<ApiKey>>;

  /**
   * Revokes a key with immediate effect. Revoking a revoked key changes nothing.
   * @throws AppError key_not_found
   */
  revoke(id: string): Promise<ApiKey>;

  /**
   * Returns the key with this id, even if the key is revoked or expired; null if there never was such a key. This
   * method is called for every request, so it must take microseconds, and return the key at once if it is in memory.
   * Commits of other processes must be visible by the next turn of the event loop.
   */
  find(id: string): StoredApiKey | null | Promise<StoredApiKey | null>;

  /**
   * Marks all keys that have expired by `now`, or only the key `id`, as permanently expired. Returns the number of
   * marked keys.
   * @throws AppError storage_failed, unavailable
   */
  recordExpired(now: number, id?: string): Promise<number>;

  /**
   * Whether a key has ever been created. Once a key has been created, every request needs a key. This method is as fast
   * as `find`.
   */
  exist(): boolean | Promise<boolean>;
}
