/** Limits of the audit log. */
import { fixed } from '../../lib/limits.ts';

export const AUDIT_LIMITS = {
  maximumAuditPageSize: fixed(10_000, 'entries', 'Maximum `limit` of the audit log.'),
  defaultAuditPageSize: fixed(
    1_000,
    'entries',
    'Number of entries of the audit log in a response if no `limit` is given.',
  ),
};
