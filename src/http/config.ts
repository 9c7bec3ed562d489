/** The settings of an HTTP server: limits, keys, allowed hosts and origins. */
import type { DeletionSettings } from '../domain/deletion.ts';
import type { SignalPrice } from '../domain/types.ts';
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from './limits.ts';

export interface ServerConfig extends ServerLimits {
  /** API key with all permissions. If the key is set, every `/v1` call needs `Authorization: Bearer`. */
  readonly apiKey: string | null;
  /** Key for metrics, documents and readiness details, which any API key can also read. */
  readonly metricsKey: string | null;
  /**
   * Whether other machines can reach the service. If they can, metrics require a key even if `metricsKey` is not set.
   */
  readonly isPublic: boolean;
  /** Host names under which the service may be called without a key, besides loopback names. */
  readonly allowedHosts: readonly string[];
  /** Origins of web pages that may call the service. */
  readonly corsOrigins: readonly string[];
  /** Prices of signals, from which buyers choose. `cpm` is per 1,000 impressions. */
  readonly signalPrices: readonly SignalPrice[];
  /** Who may request deletions; null if nobody may. */
  readonly deletion: DeletionSettings | null;
  /** Addresses and CIDRs of proxies that are trusted to report the client's address. */
  readonly trustedProxies: readonly string[];
}

export const DEFAULT_SERVER_CONFIG: ServerConfig = {
  apiKey: null,
  metricsKey: null,
  isPublic: false,
  allowedHosts: [],
  corsOrigins: [],
  signalPrices: [{ id: 'included', cpm: 0, currency: 'USD' }],
  deletion: null,
  trustedProxies: [],
  ...DEFAULT_SERVER_LIMITS,
};
