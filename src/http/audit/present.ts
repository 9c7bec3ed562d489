/** Entries of the audit log in the words of the API. */
import type { AuditEntry } from '../../domain/audit.ts';
import { presentTime } from '../plugins/present-time.ts';

/** An entry as a line of NDJSON, without its end. */
export function auditLine({ at, actor, address, action, resource, resourceId, status, requestId }: AuditEntry): string {
  return JSON.stringify({
    time: presentTime(at),
    actor,
    address,
    action,
    resource,
    resource_id: resourceId,
    status,
    request_id: requestId,
  });
}
