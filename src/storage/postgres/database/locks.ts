/** The advisory locks of this program, by their two numbers: what kind of lock it is, and what it locks. */
import type { Transaction } from './database.ts';

/** The letters `mh`, then a number for each kind of lock. */
const KINDS = 0x6d68_0000;

/** Sending to a webhook, which has the number of the webhook. */
export const SENDING = KINDS + 1;
/** Entering something into a list whose numbers become visible in their order. */
const ENTERING = KINDS + 2;
const LISTS = { audit: 1, changes: 2 } as const;

/**
 * Waits until no other transaction is entering something into a list, and keeps others from it until this transaction
 * ends. A number that is given after this call is higher than all numbers of the list that were committed, and those
 * are visible to all readers.
 */
export async function enterAlone(transaction: Transaction, list: keyof typeof LISTS): Promise<void> {
  await transaction.run('SELECT pg_advisory_xact_lock(@kind, @list)', { kind: ENTERING, list: LISTS[list] });
}
