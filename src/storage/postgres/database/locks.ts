/** The advisory locks of this program, by their two numbers: what kind of lock it is, and what it locks. */
/** The letters `mh`, then a number for each kind of lock. */
const KINDS = 0x6d68_0000;

/** The lock for sending to a webhook; its second number is the number of the webhook. */
export const SENDING = KINDS + 1;
/** The lock for adding to a list whose numbers become visible in ascending order (`Transaction.enterAlone`). */
export const ENTERING = KINDS + 2;
export const LISTS = { audit: 1, changes: 2 } as const;
