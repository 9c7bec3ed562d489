/** Locks that keep two processes from sending to one webhook at once. */

/** Locks of webhooks among the processes that send: only the process that holds a webhook's lock sends to it. */
export interface SenderLocks {
  /**
   * Takes the locks of webhooks, releases all other locks that are not `kept`, and returns the webhooks whose locks are
   * held now. Everything that former holders of these locks did is committed. Do not call this method again before the
   * promise settles.
   */
  hold(webhooks: readonly number[], kept: readonly number[]): Promise<ReadonlySet<number>>;
  /** Releases all locks. */
  close(): Promise<void>;
}

/** The locks of a sender that is the only one. */
export const ONLY_SENDER: SenderLocks = {
  hold: async (webhooks) => new Set(webhooks),
  close: async () => {},
};
