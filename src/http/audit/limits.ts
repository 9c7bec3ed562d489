/** Limits of the audit log. */
import { fixed } from '../../lib/limits.ts';

export const AUDIT_LIMITS = {
  maximumAuditPageSize: fixed(10_000, 'entries', 'Maximum `limit` of the audit log.'),
  defaultAuditPageSize: fixed(1_000, 'entries', 'Entries of the audit log in a response if `limit` is not given.'),
};
