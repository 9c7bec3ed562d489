/** All limits of a service: the limits for the server, the engine, webhooks, upkeep, telemetry and blobs. */
import { ENGINE_LIMITS } from '../engine/limits.ts';
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from '../http/config.ts';
import { SERVER_LIMIT_FILES, SERVER_LIMITS } from '../http/limits.ts';
import { type Limit, type LimitRows, type LimitValues, valuesOf } from '../lib/limits.ts';
import { BLOB_LIMITS } from '../storage/s3/limits.ts';
import { CLUSTER_LIMITS } from './cluster/limits.ts';
import { DESTINATION_LIMITS } from './destinations/limits.ts';
import { TELEMETRY_LIMITS } from './settings/limits.ts';
import { UPKEEP_LIMITS } from './upkeep/limits.ts';
import { DELIVERY_LIMITS } from './webhooks/limits.ts';

/** Limits by the file that defines them, in the order of docs/settings.md. */
export const LIMIT_FILES: Readonly<Record<string, LimitRows>> = {
  ...SERVER_LIMIT_FILES,
  'src/engine/limits.ts': ENGINE_LIMITS,
  'src/service/webhooks/limits.ts': DELIVERY_LIMITS,
  'src/service/destinations/limits.ts': DESTINATION_LIMITS,
  'src/service/upkeep/limits.ts': UPKEEP_LIMITS,
  'src/service/settings/limits.ts': TELEMETRY_LIMITS,
  'src/storage/s3/limits.ts': BLOB_LIMITS,
  'src/service/cluster/limits.ts': CLUSTER_LIMITS,
};

const ROWS = {
  ...SERVER_LIMITS,
  ...ENGINE_LIMITS,
  ...DELIVERY_LIMITS,
  ...DESTINATION_LIMITS,
  ...UPKEEP_LIMITS,
  ...TELEMETRY_LIMITS,
  ...BLOB_LIMITS,
  ...CLUSTER_LIMITS,
};

/** The values of a service's limits. */
export type Limits = LimitValues<typeof ROWS>;

export type LimitName = keyof Limits;

export const LIMITS: Readonly<Record<LimitName, Limit>> = ROWS;

export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];

export const DEFAULT_LIMITS: Limits = valuesOf(ROWS);

/** Configuration for the parts of a service: the configuration of the server, and all limits. */
export type ServiceConfig = ServerConfig & Limits;

export const DEFAULT_SERVICE_CONFIG: ServiceConfig = { ...DEFAULT_SERVER_CONFIG, ...DEFAULT_LIMITS };
