/** Records commands in the audit log. */
import { ACTORS, type AuditedAction } from '../../../domain/audit.ts';
import type { AuditLog } from '../../../domain/ports/audit.ts';

/** Runs `work`, writes an audit entry in the same transaction, and returns the result of `work`. */
export function recorded<T>(
  { audit }: { readonly audit: AuditLog },
  what: Pick<AuditedAction, 'action' | 'resource' | 'resourceId'>,
  work: () => T,
): T {
  const action = { ...what, actor: ACTORS.command, address: null, status: null, requestId: null };
  return audit.during({ action, isRecorded: false }, work);
}
