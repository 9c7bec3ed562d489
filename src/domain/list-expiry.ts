/** Suppression list entries that expire. */
import { AppError } from '../lib/errors.ts';
import { ACTORS, type AuditedAction } from './audit.ts';
import type { Change, Expiries, ExpirySummary, SetOwner } from './user-sets.ts';

export const NO_EXPIRIES: Expiries = new Map();

/** Whether the users of a set may expire. */
export function canExpire({ kind }: Pick<SetOwner, 'kind'>): boolean {
  return kind === 'suppression' || kind === 'common_suppression';
}

/**
 * Returns the expiries of a list after a change. `touched` are the users with an expiry who were sent again or removed.
 * A user who is sent again gets the expiry sent last, or none.
 */
export function expiriesAfter(
  how: Change,
  before: Expiries,
  touched: ReadonlySet<string>,
  sent: Expiries,
): Map<string, number> {
  if (how === 'replace') return new Map(sent);
  const after = new Map([...before].filter(([userId]) => !touched.has(userId)));
  if (how === 'add') for (const [userId, at] of sent) after.set(userId, at);
  return after;
}

export function summariseExpiries(expiries: Expiries): ExpirySummary {
  let nextAt = Number.POSITIVE_INFINITY;
  for (const at of expiries.values()) nextAt = Math.min(nextAt, at);
  return { users: expiries.size, nextAt: expiries.size === 0 ? null : nextAt };
}

/** @throws AppError too_many_seeds */
export function refuseMoreExpiries(users: number, maximum: number): void {
  if (users <= maximum) return;
  const message = `at most ${maximum} users of a list may have an expiry`;
  throw new AppError('too_many_seeds', message, { details: [{ pointer: '', limit: maximum, message }] });
}

/** The audit log entry for expired users. */
export function expiryAction(owner: SetOwner, users: number): AuditedAction {
  const isCommon = owner.kind === 'common_suppression';
  return {
    actor: ACTORS.service,
    address: null,
    action: 'expireListEntries',
    resource: isCommon ? 'suppression' : 'campaign',
    resourceId: isCommon ? null : owner.campaignId,
    status: null,
    requestId: null,
    facts: { users },
  };
}
