/** Every limit of the service, from the rows beside the routes that enforce them, and the variable that sets each. */
import { AUDIENCE_LIMITS, type AudienceLimits } from './audiences/limits.ts';
import { AUDIT_LIMITS, type AuditLimits } from './audit/limits.ts';
import { CAMPAIGN_LIMITS, type CampaignLimits } from './campaigns/limits.ts';
import { CLOCK_LIMITS, type ClockLimits } from './clock/limits.ts';
import { ESTIMATE_LIMITS, type EstimateLimits } from './estimates/limits.ts';
import { EXPANSION_LIMITS, type ExpansionLimits } from './expansions/limits.ts';
import { HEALTH_LIMITS, type HealthLimits, STORAGE_LIMITS, type StorageLimits } from './health/limits.ts';
import { INFORMATION_LIMITS, type InformationLimits } from './information/limits.ts';
import { KEY_LIMITS, type KeyLimits } from './keys/limits.ts';
import type { Limit } from './limit.ts';
import { HTTP_LIMITS, type HttpLimits } from './plugins/limits.ts';
import { USER_SET_LIMITS, type UserSetLimits } from './user-sets/limits.ts';
import { USER_LIMITS, type UserLimits } from './users/limits.ts';
import { WEBHOOK_LIMITS, type WebhookLimits } from './webhooks/limits.ts';

const ROWS = {
  ...HTTP_LIMITS,
  ...CAMPAIGN_LIMITS,
  ...USER_SET_LIMITS,
  ...EXPANSION_LIMITS,
  ...AUDIENCE_LIMITS,
  ...ESTIMATE_LIMITS,
  ...INFORMATION_LIMITS,
  ...USER_LIMITS,
  ...WEBHOOK_LIMITS,
  ...KEY_LIMITS,
  ...AUDIT_LIMITS,
  ...CLOCK_LIMITS,
  ...STORAGE_LIMITS,
  ...HEALTH_LIMITS,
};

/** The limits of a service. */
export interface Limits
  extends HttpLimits,
    CampaignLimits,
    UserSetLimits,
    ExpansionLimits,
    AudienceLimits,
    EstimateLimits,
    InformationLimits,
    UserLimits,
    WebhookLimits,
    KeyLimits,
    AuditLimits,
    ClockLimits,
    StorageLimits,
    HealthLimits {}

export type LimitName = keyof Limits;

export const LIMITS: Readonly<Record<LimitName, Limit>> = ROWS;

export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];

/** By the headings of docs/settings.md. */
export const LIMIT_GROUPS: Readonly<Record<string, Readonly<Record<string, Limit>>>> = {
  'Requests and connections': HTTP_LIMITS,
  'Campaigns and their inputs': CAMPAIGN_LIMITS,
  'Uploads of seeds and suppression lists': USER_SET_LIMITS,
  Expansions: EXPANSION_LIMITS,
  'Audiences, explanations, customised models': AUDIENCE_LIMITS,
  Estimates: ESTIMATE_LIMITS,
  'Known values of features': INFORMATION_LIMITS,
  Users: USER_LIMITS,
  Webhooks: WEBHOOK_LIMITS,
  'API keys': KEY_LIMITS,
  'The audit log': AUDIT_LIMITS,
  'The clock': CLOCK_LIMITS,
  'Disk and files': STORAGE_LIMITS,
  'Health and metrics': HEALTH_LIMITS,
};

export const DEFAULT_LIMITS: Limits = Object.fromEntries(
  LIMIT_NAMES.map((name) => [name, LIMITS[name].default]),
) as Record<LimitName, number>;

/** `bodyLimitBytes` is METAHEAC_BODY_LIMIT_BYTES. */
export function variableOf(name: string): string {
  return `METAHEAC_${snakeCase(name).toUpperCase()}`;
}

/** `bodyLimitBytes` is body_limit_bytes. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
