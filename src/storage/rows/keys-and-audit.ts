/** Columns of API keys and of the audit log, for all dialects of SQL. */
import type { Scope } from '../../domain/api-keys.ts';
import type { PendingAction } from '../../domain/audit.ts';
import type { Labels } from '../../domain/types.ts';
import { type Dialect, plain } from './columns.ts';

export function apiKeyColumns({ json }: Pick<Dialect<unknown>, 'json'>) {
  return {
    number: plain<number>('number'),
    id: plain<string>('id'),
    sha256: plain<string>('sha256'),
    name: plain<string>('name'),
    scope: plain<Scope>('scope'),
    labels: json<Labels>('labels'),
    createdAt: plain<number>('created_at'),
    expiresAt: plain<number | null>('expires_at'),
    expiredAt: plain<number | null>('expired_at'),
    revokedAt: plain<number | null>('revoked_at'),
  };
}

export const AUDIT_COLUMNS = {
  number: plain<number>('number'),
  at: plain<number>('at'),
  actor: plain<string>('actor'),
  address: plain<string | null>('address'),
  action: plain<string>('action'),
  resource: plain<string | null>('resource'),
  resourceId: plain<string | null>('resource_id'),
  status: plain<number | null>('status'),
  requestId: plain<string | null>('request_id'),
};

/** Maximum number of audit entries removed per transaction, so that other writers can write in between. */
export const PRUNED_AT_ONCE = 10_000;

/** An action whose entry is written in its first transaction. */
export interface RunningAction {
  readonly pending: PendingAction;
  /** Id of the resource that the action has created. */
  made: string | null;
}
