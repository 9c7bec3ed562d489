/** Entries of the audit log: which key did what to which resource. */

/** Who did something: a key's id, or one of these. */
export const ACTORS = {
  /** The key of the operator's settings. */
  operator: 'admin',
  /** A command on the data folder. */
  command: 'local',
  /** Anybody, where no key is needed. */
  anybody: 'anonymous',
} as const;

/** An action: it names no user, and has no seed and no key. */
export interface AuditedAction {
  readonly actor: string;
  /** Of the client; null for a command. */
  readonly address: string | null;
  /** The operation's id. */
  readonly action: string;
  /** `campaign`, `webhook`, `key`, ..; null if it is of none. */
  readonly resource: string | null;
  /** null if there is only one, or it is a user. */
  readonly resourceId: string | null;
  /** Of the response. */
  readonly status: number | null;
  readonly requestId: string | null;
}

export interface AuditEntry extends AuditedAction {
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** An action that is being done; it is recorded once. */
export interface PendingAction {
  readonly action: AuditedAction;
  /** Whether it frees space: then it is recorded on a full disk too. */
  readonly frees?: boolean;
  isRecorded: boolean;
}

export interface AuditQuery {
  /**
   * Entries of this time or later, in milliseconds since 1970, and all that were written after one of them: the clock
   * may go back, but no entry is of before the one that it follows.
   */
  readonly since?: number | undefined;
  /** Entries of before this time. */
  readonly until?: number | undefined;
  /** 1 or more. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}
