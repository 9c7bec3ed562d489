/** Entries of the audit log, which record the actions of keys on resources. */

/** Names of the actors that have no API key id. */
export const ACTORS = {
  /** The API key in the operator's settings. */
  operator: 'admin',
  /** A command run on the data folder. */
  command: 'local',
  /** Any caller of a service that requires no API key. */
  anybody: 'anonymous',
  /** The service itself, for scheduled actions such as expiries. */
  service: 'service',
} as const;

/** An action in the audit log. An entry contains no user ids, seeds or keys. */
export interface AuditedAction {
  readonly actor: string;
  /** The client's IP address; null for a command. */
  readonly address: string | null;
  /** The operation id in the OpenAPI document. */
  readonly action: string;
  /** `campaign`, `webhook`, `key` and so on; null if the action concerns no resource. */
  readonly resource: string | null;
  /** The resource's id; null if there is only one resource of its kind, or if the resource is a user. */
  readonly resourceId: string | null;
  /** The HTTP status of the response. */
  readonly status: number | null;
  readonly requestId: string | null;
  /** Further details of the action, such as the consent basis of a list. */
  readonly facts?: AuditFacts | null;
}

export type AuditFacts = Readonly<Record<string, string | number>>;

export interface AuditEntry extends AuditedAction {
  /** The time in milliseconds since 1970. */
  readonly at: number;
}

/** An action in progress, which is recorded once in the audit log. */
export interface PendingAction {
  readonly action: AuditedAction;
  /** Whether the action frees disk space. Such an action is recorded even if the disk is full. */
  readonly frees?: boolean;
  isRecorded: boolean;
}

export interface AuditQuery {
  /**
   * Only entries from this time on, in milliseconds since 1970. If the clock was set back, an entry counts as no
   * earlier than the entry before it.
   */
  readonly since?: number | undefined;
  /** Only entries before this time. */
  readonly until?: number | undefined;
  /** Maximum number of items on a page; 1 or more. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}
