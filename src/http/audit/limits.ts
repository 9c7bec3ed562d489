/** Limits of the audit log. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const AUDIT_LIMITS = {
  maximumAuditPageSize: {
    default: 10_000,
    unit: 'entries',
    description: 'Largest `limit` of the audit log.',
  },
  defaultAuditPageSize: {
    default: 1_000,
    unit: 'entries',
    description: 'Entries of the audit log in a response if `limit` is not given.',
  },
  auditRetainedDays: {
    default: 400,
    unit: 'days',
    description: 'Days that entries of the audit log are kept.',
  },
} as const satisfies LimitRows;

export type AuditLimits = LimitValues<typeof AUDIT_LIMITS>;
