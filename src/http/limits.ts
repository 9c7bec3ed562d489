/** All limits of the HTTP server, including limits of lower layers that its routes enforce. */
import { DOMAIN_LIMITS } from '../domain/limits.ts';
import { type LimitValues, valuesOf } from '../lib/limits.ts';
import { RANKING_LIMITS } from '../service/ports/rankings.ts';
import { AUDIENCE_LIMITS } from './audiences/limits.ts';
import { AUDIT_LIMITS } from './audit/limits.ts';
import { CAMPAIGN_LIMITS } from './campaigns/limits.ts';
import { ESTIMATE_LIMITS } from './estimates/limits.ts';
import { HEALTH_LIMITS } from './health/limits.ts';
import { INFORMATION_LIMITS } from './information/limits.ts';
import { HTTP_LIMITS } from './plugins/limits.ts';
import { USER_SET_LIMITS } from './user-sets/limits.ts';
import { WEBHOOK_LIMITS } from './webhooks/limits.ts';

/** Limits grouped by the file that defines them. */
export const SERVER_LIMIT_FILES = {
  'src/http/plugins/limits.ts': HTTP_LIMITS,
  'src/http/campaigns/limits.ts': CAMPAIGN_LIMITS,
  'src/http/user-sets/limits.ts': USER_SET_LIMITS,
  'src/domain/limits.ts': DOMAIN_LIMITS,
  'src/http/audiences/limits.ts': AUDIENCE_LIMITS,
  'src/audience/limits.ts': RANKING_LIMITS,
  'src/http/estimates/limits.ts': ESTIMATE_LIMITS,
  'src/http/information/limits.ts': INFORMATION_LIMITS,
  'src/http/webhooks/limits.ts': WEBHOOK_LIMITS,
  'src/http/audit/limits.ts': AUDIT_LIMITS,
  'src/http/health/limits.ts': HEALTH_LIMITS,
};

/** Limits by name. */
export const SERVER_LIMITS = {
  ...{ ...HTTP_LIMITS, ...CAMPAIGN_LIMITS, ...USER_SET_LIMITS, ...DOMAIN_LIMITS, ...AUDIENCE_LIMITS },
  ...{ ...RANKING_LIMITS, ...ESTIMATE_LIMITS, ...INFORMATION_LIMITS, ...WEBHOOK_LIMITS, ...AUDIT_LIMITS },
  ...HEALTH_LIMITS,
};

export type ServerLimits = LimitValues<typeof SERVER_LIMITS>;

export const DEFAULT_SERVER_LIMITS: ServerLimits = valuesOf(SERVER_LIMITS);
