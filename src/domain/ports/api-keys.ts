/** The port of API keys. */
import type { ApiKey, NewApiKey, StoredApiKey } from '../api-keys.ts';
import type { Page, PageQuery } from '../types.ts';

/** Each method that writes has its effect on disk when it returns, or throws without any effect. */
export interface ApiKeys {
  /** The only result with the key itself. `maximum` counts keys that are not revoked. @throws AppError too_many_keys */
  create(input: NewApiKey, maximum: number): { readonly apiKey: ApiKey; readonly key: string };

  /** @throws AppError key_not_found */
  get(id: string): ApiKey;

  /** Newest first, revoked ones too. @throws AppError invalid_cursor */
  list(query: PageQuery): Page<ApiKey>;

  /** Nobody gets in with it from then on; repeating it changes nothing. @throws AppError key_not_found */
  revoke(id: string): ApiKey;

  /**
   * The key with this id, whatever became of it; null if there never was one. Every request calls it: it must take
   * microseconds. What another process commits is seen in the next turn of the event loop at the latest.
   */
  find(id: string): StoredApiKey | null;

  /**
   * Keys that have expired by `now` have expired for ever; returns their number. @throws AppError storage_failed,
   * unavailable
   */
  recordExpired(now: number): number;

  /** Whether a key was ever made: from then on one is needed. As fast as `find`. */
  exist(): boolean;
}
