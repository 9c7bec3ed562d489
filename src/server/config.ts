/** The settings of a server: its limits, and its key. */
import { DEFAULT_LIMITS, type Limits } from './limits.ts';

export interface ServerConfig extends Limits {
  /** With a key every `/v1` call needs `Authorization: Bearer`. */
  readonly apiKey: string | null;
}

export const DEFAULT_SERVER_CONFIG: ServerConfig = { apiKey: null, ...DEFAULT_LIMITS };
