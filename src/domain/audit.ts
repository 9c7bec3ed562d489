/** Entries of the audit log: which key did what to which resource. */

/** Actors other than keys with an id. */
export const ACTORS = {
  /** The key in the operator's settings. */
  operator: 'admin',
  /** A command run on the data folder. */
  command: 'local',
  /** Anybody, on a service that needs no key. */
  anybody: 'anonymous',
} as const;

/** An action. It contains no user id, no seed and no key. */
export interface AuditedAction {
  readonly actor: string;
  /** The client's address; null for a command. */
  readonly address: string | null;
  /** The id of the operation. */
  readonly action: string;
  /** `campaign`, `webhook`, `key` and so on; null if the action concerns no resource. */
  readonly resource: string | null;
  /** null if there is only one such resource, or if the resource is a user. */
  readonly resourceId: string | null;
  /** The status of the response. */
  readonly status: number | null;
  readonly requestId: string | null;
}

export interface AuditEntry extends AuditedAction {
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** An action in progress; it is recorded once. */
export interface PendingAction {
  readonly action: AuditedAction;
  /** Whether the action frees space: if so, it is recorded even on a full disk. */
  readonly frees?: boolean;
  isRecorded: boolean;
}

export interface AuditQuery {
  /**
   * Only entries from this time on, in milliseconds since 1970. Even if the clock went back, an entry never counts as
   * earlier than the entry before it.
   */
  readonly since?: number | undefined;
  /** Only entries before this time. */
  readonly until?: number | undefined;
  /** 1 or more. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}
