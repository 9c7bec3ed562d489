/** Stores the audit log in SQLite. If an action runs in a transaction, its entry is written in that transaction. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditEntry, AuditedAction, AuditQuery, PendingAction } from '../../domain/audit.ts';
import { decodeCursor } from '../../domain/cursors.ts';
import type { AuditLog } from '../../domain/ports/audit.ts';
import type { Page } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { type RowOf, readRow, selectList } from '../rows/columns.ts';
import { AUDIT_COLUMNS, PRUNED_AT_ONCE, type RunningAction } from '../rows/keys-and-audit.ts';
import { insertRow, pageOf } from './database/columns.ts';
import { deleteRows } from './database/damaged-rows.ts';
import { beforeCommit, type Database, write } from './database/database.ts';
import { writeToFree } from './database/reserve.ts';
import type { Synchronous } from './promised.ts';

export class SqliteAuditLog implements Synchronous<AuditLog> {
  readonly #database: Database;
  readonly #clock: Clock;
  /** The action that is running. Its entry is written in its first transaction. */
  readonly #running = new AsyncLocalStorage<RunningAction | null>();
  /** Selects the latest recorded time of an entry or of the service. */
  readonly #reached;

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
    return this.#running.run({ pending, made: null }, work);
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
    // the entry depends on the result of `work`, so it is not written at the commit
    const result = this.#running.run(null, () =>
      write(this.#database, () => {
        const result = work();
        isEntered = result !== false && this.enter(pending);
        return result;
      }),
    );
    if (isEntered) pending!.isRecorded = true;
    return result;
  }

  /**
   * Writes the entry inside a transaction, and returns whether there was an entry to write. The caller sets
   * `isRecorded` after the commit.
   */
  enter(pending: PendingAction | null): boolean {
    // the entry of the running action is written at the commit
    if (pending === null || pending.isRecorded || pending === this.#running.getStore()?.pending) return false;
    this.#insert(pending.action, null);
    return true;
  }

  /** Sets the id of a new resource for the entry. Call this inside the transaction that creates the resource. */
  made(id: string): void {
    const running = this.#running.getStore();
    if (running) running.made = id;
  }

  list({ since, until, limit, cursor }: AuditQuery): Page<AuditEntry> {
    const after = cursor === undefined ? 0 : decodeCursor('audit', cursor);
    const rows = this.#database
      .prepare(
        `SELECT ${selectList(AUDIT_COLUMNS)} FROM audit_log
         WHERE number > @after AND reached_at >= @since AND reached_at < @until ORDER BY number LIMIT @most`,
      )
      .all({ after, since: since ?? 0, until: until ?? Number.MAX_SAFE_INTEGER, most: limit + 1 })
      .map((row) => readRow(AUDIT_COLUMNS, row));
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
    const running = this.#running.getStore();
    if (!running || running.pending.isRecorded) return null;
    const { pending, made } = running;
    this.#insert(pending.action, made);
    return () => {
      pending.isRecorded = true;
    };
  }

  #insert({ resourceId, requestId, ...action }: AuditedAction, made: string | null): void {
    const at = this.#clock.now();
    const row = { ...action, at, resource_id: resourceId ?? made, request_id: requestId };
    insertRow(this.#database, 'audit_log', { ...row, reached_at: Math.max(at, this.#reached.get() as number) });
  }
}

function toEntry({ number: _, ...entry }: RowOf<typeof AUDIT_COLUMNS>): AuditEntry {
  return entry;
}
