/** Locks that keep two processes from sending to one webhook at once. */

/** Locks of webhooks among sending processes. Only the process that holds a webhook's lock sends to it. */
export interface SenderLocks {
  /**
   * Takes the locks of webhooks, releases all other locks that are not `kept`, and returns the webhooks whose locks are
   * now held. Everything that former holders of these locks did is committed. Wait for the promise to settle before
   * calling this method again.
   */
  hold(webhooks: readonly number[], kept: readonly number[]): Promise<ReadonlySet<number>>;
  /** Releases all locks. */
  close(): Promise<void>;
}

/** The locks of the only sender. */
export const ONLY_SENDER: SenderLocks = {
  hold: async (webhooks) => new Set(webhooks),
  close: async () => {},
};
