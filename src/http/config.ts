/** The settings of a server: its limits, its keys, and which pages may call it. */
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from './limits.ts';

export interface ServerConfig extends ServerLimits {
  /** If set, every `/v1` call needs `Authorization: Bearer`; this key may do everything. */
  readonly apiKey: string | null;
  /** Gives access to metrics, documents and the details of readiness, as any API key does. */
  readonly metricsKey: string | null;
  /**
   * Whether other machines can reach the service. If so, they need a key for metrics even if `metricsKey` is not set.
   */
  readonly isPublic: boolean;
  /** Host names under which the service may be called without a key, besides those of loopback. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call the service. */
  readonly corsOrigins: readonly string[];
  /** Addresses and CIDRs of proxies that are trusted to report the client's address. */
  readonly trustedProxies: readonly string[];
}

export const DEFAULT_SERVER_CONFIG: ServerConfig = {
  apiKey: null,
  metricsKey: null,
  isPublic: false,
  allowedHosts: [],
  corsOrigins: [],
  trustedProxies: [],
  ...DEFAULT_SERVER_LIMITS,
};
