/** The port of API keys. */
import type { ApiKey, NewApiKey, StoredApiKey } from '../api-keys.ts';
import type { Page, PageQuery } from '../types.ts';

/** When a method that writes returns, its effect is on disk; if it throws, it had no effect. */
export interface ApiKeys {
  /**
   * The only method that returns the key itself. `maximum` counts keys that are not revoked.
   * @throws AppError too_many_keys
   */
  create(input: NewApiKey, maximum: number): { readonly apiKey: ApiKey; readonly key: string };

  /** @throws AppError key_not_found */
  get(id: string): ApiKey;

  /**
   * Newest first, including revoked keys.
   * @throws AppError invalid_cursor
   */
  list(query: PageQuery): Page<ApiKey>;

  /**
   * Revokes the key at once; repeating it changes nothing.
   * @throws AppError key_not_found
   */
  revoke(id: string): ApiKey;

  /**
   * The key with this id, even if revoked or expired; null if there never was one. Called for every request, so it must
   * take microseconds. Commits of other processes are visible in the next turn of the event loop at the latest.
   */
  find(id: string): StoredApiKey | null;

  /**
   * Marks keys that have expired by `now` as expired for good; returns their number.
   * @throws AppError storage_failed, unavailable
   */
  recordExpired(now: number): number;

  /** Whether a key was ever created: from then on, every request needs one. As fast as `find`. */
  exist(): boolean;
}
