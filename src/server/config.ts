/** The settings of a server: its limits, its key, and which pages may call it. */
import { DEFAULT_LIMITS, type Limits } from './limits.ts';

export interface ServerConfig extends Limits {
  /** With a key every `/v1` call needs `Authorization: Bearer`. */
  readonly apiKey: string | null;
  /** Names by which it may be called without a key, besides loopback's. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call it. */
  readonly corsOrigins: readonly string[];
}

export const DEFAULT_SERVER_CONFIG: ServerConfig = {
  apiKey: null,
  allowedHosts: [],
  corsOrigins: [],
  ...DEFAULT_LIMITS,
};
