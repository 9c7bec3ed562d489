/** The settings of a server: its limits, its keys, and which pages may call it. */
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from './limits.ts';

export interface ServerConfig extends ServerLimits {
  /** With a key every `/v1` call needs `Authorization: Bearer`; this one may do everything. */
  readonly apiKey: string | null;
  /** What opens metrics, documents and the details of readiness, beside any API key. */
  readonly metricsKey: string | null;
  /** Other machines can reach the service: then these need a key even if they have none of their own. */
  readonly isPublic: boolean;
  /** Names by which it may be called without a key, besides loopback's. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call it. */
  readonly corsOrigins: readonly string[];
  /** Addresses and CIDRs of proxies: what they say of the client's address is believed. */
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
