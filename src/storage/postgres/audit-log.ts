/** Stores the audit log in Postgres. If an action runs in a transaction, its entry is written in that transaction. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditEntry, AuditedAction, AuditQuery, PendingAction } from '../../domain/audit.ts';
import { decodeCursor } from '../../domain/cursors.ts';
import type { AuditLog } from '../../domain/ports/audit.ts';
import type { Page } from '../../domain/types.ts';
import { type RowOf, selectList } from '../rows/columns.ts';
import { AUDIT_COLUMNS, PRUNED_AT_ONCE, type RunningAction } from '../rows/keys-and-audit.ts';
import type { Connection } from './connection.ts';
import { pageOf } from './database/columns.ts';
import type { Database, Transaction } from './database/database.ts';
import { enterAlone } from './database/locks.ts';

export class PostgresAuditLog implements AuditLog {
  readonly #database: Database;
  readonly #now: () => number;
  /** The action that is running. Its entry is written in its first transaction. */
  readonly #running = new AsyncLocalStorage<RunningAction | null>();

  constructor({ database, options }: Connection) {
    this.#database = database;
    this.#now = () => options.clock.now();
    database.beforeCommit((transaction) => this.#recordPending(transaction));
  }

  during<T>(pending: PendingAction, work: () => T): T {
    return this.#running.run({ pending, made: null }, work);
  }

  async record(pending: PendingAction): Promise<void> {
    if (pending.isRecorded) return;
    await this.during(pending, () => this.#database.write(async () => {}));
  }

  /**
   * Runs `work` in a write transaction and writes the entry. If `work` returns false, nothing changed and no entry is
   * written. `level` is documented at `Database.write`.
   */
  async with<T>(
    pending: PendingAction | null,
    work: (transaction: Transaction) => Promise<T>,
    level?: Parameters<Database['write']>[1],
  ): Promise<T> {
    let isEntered = false;
    // the entry depends on the result of `work`, so it is not written at the commit
    const result = await this.#running.run(null, () =>
      this.#database.write(async (transaction) => {
        const result = await work(transaction);
        isEntered = result !== false && (await this.enter(transaction, pending));
        return result;
      }, level),
    );
    if (isEntered) pending!.isRecorded = true;
    return result;
  }

  /**
   * Writes the entry inside a transaction, as its last change, and returns whether there was an entry to write. The
   * caller sets `isRecorded` after the commit.
   */
  async enter(transaction: Transaction, pending: PendingAction | null): Promise<boolean> {
    // the entry of the running action is written at the commit
    if (pending === null || pending.isRecorded || pending === this.#running.getStore()?.pending) return false;
    await this.#insert(transaction, pending.action, null);
    return true;
  }

  /** Sets the id of a new resource for the entry. Call this inside the transaction that creates the resource. */
  made(id: string): void {
    const running = this.#running.getStore();
    if (running) running.made = id;
  }

  async list({ since, until, limit, cursor }: AuditQuery): Promise<Page<AuditEntry>> {
    const after = cursor === undefined ? 0 : decodeCursor('audit', cursor);
    // `reached_at` never decreases, so both orders are one; this one has an index from which both limits are read
    const rows = await this.#database.all<RowOf<typeof AUDIT_COLUMNS>>(
      `SELECT ${selectList(AUDIT_COLUMNS)} FROM audit_log
       WHERE number > @after AND reached_at < @until AND reached_at >= greatest(@since::bigint,
         (SELECT before.reached_at FROM audit_log before WHERE before.number <= @after
          ORDER BY before.number DESC LIMIT 1))
       ORDER BY reached_at, number LIMIT @most`,
      { after, since: since ?? 0, until: until ?? Number.MAX_SAFE_INTEGER, most: limit + 1 },
    );
    return pageOf('audit', rows, limit, toEntry);
  }

  async prune(before: number): Promise<void> {
    const pruneSome = async (transaction: Transaction) => {
      await transaction.run('UPDATE audit_retention SET before = greatest(before, @before)', { before });
      return transaction.run(
        `DELETE FROM audit_log WHERE number IN (
           SELECT number FROM audit_log WHERE at < @before ORDER BY at LIMIT ${PRUNED_AT_ONCE})`,
        { before },
      );
    };
    while ((await this.#database.write(pruneSome, 'readCommitted')) === PRUNED_AT_ONCE);
  }

  async #recordPending(transaction: Transaction): Promise<(() => void) | null> {
    const running = this.#running.getStore();
    if (!running || running.pending.isRecorded) return null;
    const { pending, made } = running;
    await this.#insert(transaction, pending.action, made);
    return () => {
      pending.isRecorded = true;
    };
  }

  async #insert(transaction: Transaction, action: AuditedAction, made: string | null): Promise<void> {
    // a reader that has seen an entry must never see an earlier number appear
    await enterAlone(transaction, 'audit');
    const { actor, address, resource, status, requestId } = action;
    await transaction.run(
      `INSERT INTO audit_log (at, actor, address, action, resource, resource_id, status, request_id, reached_at)
       VALUES (@at, @actor, @address, @action, @resource, @resourceId, @status, @requestId,
         setval('audit_reached', greatest(@at::bigint, (SELECT last_value FROM audit_reached))))`,
      {
        ...{ at: this.#now(), actor, address, action: action.action, resource, status, requestId },
        resourceId: action.resourceId ?? made,
      },
    );
  }
}

function toEntry({ number: _, ...entry }: RowOf<typeof AUDIT_COLUMNS>): AuditEntry {
  return entry;
}
