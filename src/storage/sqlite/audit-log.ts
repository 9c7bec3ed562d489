/** Stores the audit log in SQLite. If an action runs in a transaction, its entry is written in that transaction. */
import type { AuditEntry, AuditedAction, AuditQuery, PendingAction } from '../../domain/audit.ts';
import { decodeCursor } from '../../domain/cursors.ts';
import type { AuditLog } from '../../domain/ports/audit.ts';
import type { Page } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { insertRow, pageOf, plain, type RowOf, readRow, selectList } from './database/columns.ts';
import { deleteRows } from './database/damaged-rows.ts';
import { beforeCommit, type Database, write } from './database/database.ts';
import { writeToFree } from './database/reserve.ts';

const COLUMNS = {
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

/** Maximum number of entries removed per transaction, so that other writers can write in between. */
const PRUNED_AT_ONCE = 10_000;

export class SqliteAuditLog implements AuditLog {
  readonly #database: Database;
  readonly #clock: Clock;
  /** The action of this turn of the event loop. Its entry is written in the next transaction. */
  #pending: PendingAction | null = null;
  /** Selects the latest recorded time of an entry or of the service. */
  readonly #reached;
  /** Id of the resource that the action has created. */
  #made: string | null = null;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#reached = database
      .prepare(
        `SELECT max(coalesce((SELECT highest FROM clock), 0),
                    coalesce((SELECT reached_at FROM audit_log ORDER BY number DESC LIMIT 1), 0))`,
      )
      .pluck();
    beforeCommit(database, () => this.#recordPending());
  }

  during<T>(pending: PendingAction, work: () => T): T {
    this.#pending = pending;
    this.#made = null;
    try {
      return work();
    } finally {
      this.#pending = null;
    }
  }

  record(pending: PendingAction): void {
    if (pending.isRecorded) return;
    const commit = pending.frees === true ? writeToFree : write;
    this.during(pending, () => commit(this.#database, () => {}));
  }

  /**
   * Runs `work` in a write transaction and writes the entry. If `work` returns false, nothing changed and no entry is
   * written.
   */
  with<T>(pending: PendingAction | null, work: () => T): T {
    let isEntered = false;
    const result = write(this.#database, () => {
      const result = work();
      isEntered = result !== false && this.enter(pending);
      return result;
    });
    if (isEntered) pending!.isRecorded = true;
    return result;
  }

  /**
   * Writes the entry inside a transaction, and returns whether there was an entry to write. The caller sets
   * `isRecorded` after the commit.
   */
  enter(pending: PendingAction | null): boolean {
    // the entry of this turn's action is written at the commit
    if (pending === null || pending.isRecorded || pending === this.#pending) return false;
    this.#insert(pending.action);
    return true;
  }

  /** Sets the id of a new resource for the entry. Call this inside the transaction that creates the resource. */
  made(id: string): void {
    this.#made = id;
  }

  list({ since, until, limit, cursor }: AuditQuery): Page<AuditEntry> {
    const after = cursor === undefined ? 0 : decodeCursor('audit', cursor);
    const rows = this.#database
      .prepare(
        `SELECT ${selectList(COLUMNS)} FROM audit_log
         WHERE number > @after AND reached_at >= @since AND reached_at < @until ORDER BY number LIMIT @most`,
      )
      .all({ after, since: since ?? 0, until: until ?? Number.MAX_SAFE_INTEGER, most: limit + 1 })
      .map((row) => readRow(COLUMNS, row));
    return pageOf(this.#database, 'audit', rows, limit, ({ number }) => [['audit_log', { number }]], toEntry);
  }

  prune(before: number): void {
    const allow = this.#database.prepare('UPDATE audit_retention SET before = max(before, @before)');
    const old = `number IN (SELECT number FROM audit_log WHERE at < @before ORDER BY at LIMIT ${PRUNED_AT_ONCE})`;
    while (
      writeToFree(this.#database, () => {
        allow.run({ before });
        return deleteRows(this.#database, 'audit_log', old, { before });
      }) === PRUNED_AT_ONCE
    );
  }

  #recordPending(): (() => void) | null {
    const pending = this.#pending;
    if (pending === null || pending.isRecorded) return null;
    this.#insert(pending.action);
    return () => {
      pending.isRecorded = true;
    };
  }

  #insert({ resourceId, requestId, ...action }: AuditedAction): void {
    const at = this.#clock.now();
    const row = { ...action, at, resource_id: resourceId ?? this.#made, request_id: requestId };
    insertRow(this.#database, 'audit_log', { ...row, reached_at: Math.max(at, this.#reached.get() as number) });
  }
}

function toEntry({ number: _, ...entry }: RowOf<typeof COLUMNS>): AuditEntry {
  return entry;
}
