/** Stores the audit log. If an action runs in a transaction, its entry is written in that transaction. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditEntry, AuditedAction, AuditFacts, AuditQuery, PendingAction } from '../../domain/audit.ts';
import { decodeCursor } from '../../domain/cursors.ts';
import type { Page } from '../../domain/pages.ts';
import type { AuditLog } from '../../domain/ports/audit.ts';
import { json, pageOf, plain, type RowOf, readRow, selectList } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import { toJson } from './json.ts';
import type { Database, Transaction, WriteLevel } from './sql.ts';

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
  facts: json<AuditFacts | null>('facts'),
};

/** Maximum number of entries removed per transaction, so that others can write in between. */
const PRUNED_AT_ONCE = 10_000;

/** An action whose entry is written in its first transaction. */
interface RunningAction {
  readonly pending: PendingAction;
  /** Id of the resource that the action has created. */
  made: string | null;
}

export class AuditRepository implements AuditLog {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #running = new AsyncLocalStorage<RunningAction | null>();

  constructor({ database, options }: StoreDependencies) {
    this.#database = database;
    this.#now = () => options.clock.now();
    database.beforeCommit((t) => this.#recordPending(t));
  }

  during<T>(pending: PendingAction, work: () => T): T {
    return this.#running.run({ pending, made: null }, work);
  }

  async record(pending: PendingAction): Promise<void> {
    if (pending.isRecorded) return;
    const commit = () => this.#database.write(async () => {});
    await this.during(pending, () => (pending.frees ? this.#database.freeing(commit) : commit()));
  }

  /**
   * Runs `work` in a write transaction and writes the entry. If `work` returns false, nothing changed and no entry is
   * written.
   */
  async with<T>(pending: PendingAction | null, work: (t: Transaction) => Promise<T>, level?: WriteLevel): Promise<T> {
    let isEntered = false;
    // the entry depends on the result of `work`, so it is not written by the commit hook
    const result = await this.#running.run(null, () =>
      this.#database.write(async (t) => {
        const result = await work(t);
        isEntered = result !== false && (await this.enter(t, pending));
        return result;
      }, level),
    );
    if (isEntered) pending!.isRecorded = true;
    return result;
  }

  /**
   * Writes the entry as the last change of a transaction. Returns whether there was an entry to write. The caller sets
   * `isRecorded` after the commit.
   */
  async enter(t: Transaction, pending: PendingAction | null): Promise<boolean> {
    // the commit hook writes the entry of the running action
    if (pending === null || pending.isRecorded || pending === this.#running.getStore()?.pending) return false;
    await this.#insert(t, pending.action, null);
    return true;
  }

  /** Sets the entry's resource id after something was created. Call this in the transaction that creates it. */
  made(id: string): void {
    const running = this.#running.getStore();
    if (running) running.made = id;
  }

  async list({ since, until, limit, cursor }: AuditQuery): Promise<Page<AuditEntry>> {
    const after = cursor === undefined ? 0 : decodeCursor('audit', cursor);
    const lastReached = `coalesce((SELECT before.reached_at FROM audit_log before WHERE before.number <= @after
      ORDER BY before.number DESC LIMIT 1), 0)`;
    // `reached_at` never decreases, so this order equals that of the numbers, and the index on it serves both limits
    const rows = await this.#database.all<RowOf<typeof COLUMNS>>(
      `SELECT ${selectList(COLUMNS)} FROM audit_log
       WHERE number > @after AND reached_at < @until
         AND reached_at >= ${this.#database.dialect.greater('CAST(@since AS bigint)', lastReached)}
       ORDER BY reached_at, number LIMIT @most`,
      { after, since: since ?? 0, until: until ?? Number.MAX_SAFE_INTEGER, most: limit + 1 },
    );
    return pageOf(this.#database, 'audit', rows, limit, ({ number }) => [['audit_log', { number }]], toEntry);
  }

  async prune(before: number): Promise<void> {
    const pruneSome = async (t: Transaction) => {
      await t.run(`UPDATE audit_retention SET before = ${t.dialect.greater('before', '@before')}`, { before });
      return t.run(
        `DELETE FROM audit_log WHERE number IN (
           SELECT number FROM audit_log WHERE at < @before ORDER BY at LIMIT ${PRUNED_AT_ONCE})`,
        { before },
      );
    };
    const commit = () => this.#database.write(pruneSome, 'readCommitted');
    while ((await this.#database.freeing(commit)) === PRUNED_AT_ONCE);
  }

  async #recordPending(t: Transaction): Promise<(() => void) | null> {
    const running = this.#running.getStore();
    if (!running || running.pending.isRecorded) return null;
    const { pending, made } = running;
    await this.#insert(t, pending.action, made);
    return () => {
      pending.isRecorded = true;
    };
  }

  async #insert(
    t: Transaction,
    { resourceId, facts = null, ...action }: AuditedAction,
    made: string | null,
  ): Promise<void> {
    // once a reader has seen an entry, no entry with a lower number may appear
    await t.enterAlone('audit');
    await t.run(
      `INSERT INTO audit_log (at, actor, address, action, resource, resource_id, status, request_id, facts, reached_at)
       VALUES (@at, @actor, @address, @action, @resource, @resourceId, @status, @requestId, @facts,
         ${t.dialect.reachedAt})`,
      { ...action, at: this.#now(), resourceId: resourceId ?? made, facts: toJson(facts) },
    );
  }
}

function toEntry(stored: RowOf<typeof COLUMNS>): AuditEntry {
  const { number: _, ...entry } = readRow(COLUMNS, stored);
  return entry;
}
