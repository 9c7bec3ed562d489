/**
 * Expiry times of users on suppression lists. The rows of a list change only in a transaction that also assigns a set
 * to the list. So if the list still has the same set after its rows were read, the rows belong to this set.
 */
import { setImmediate } from 'node:timers/promises';
import type { IdBlock, IdBlocks } from '../../domain/id-blocks.ts';
import { expiriesAfter, NO_EXPIRIES, refuseMoreExpiries } from '../../domain/list-expiry.ts';
import type { Change, ChangeOptions, Expiries, ExpirySummary, SetOwner } from '../../domain/user-sets.ts';
import type { Sql } from './sql.ts';

/** Number of rows that one statement reads or writes. */
const ROWS_AT_ONCE = 5_000;

/** Rows of the global list have this number instead of a campaign's. */
export const INSTALLATION = 0;

/** SQL for the campaign number in the rows of a list. */
function numberOf(owner: SetOwner): string {
  return owner.kind === 'common_suppression' ? `${INSTALLATION}` : '(SELECT number FROM campaigns WHERE id = @id)';
}

function boundOf(owner: SetOwner): { readonly id?: string } {
  return owner.kind === 'common_suppression' ? {} : { id: owner.campaignId };
}

export async function readExpiries(sql: Sql, owner: SetOwner): Promise<Expiries> {
  const expiries = new Map<string, number>();
  for (let after = ''; ; await setImmediate()) {
    const rows = await sql.all<{ readonly userId: string; readonly at: number }>(
      `SELECT user_id AS "userId", expires_at AS at FROM list_expiries WHERE campaign = ${numberOf(owner)} AND user_id > @after
       ORDER BY user_id LIMIT ${ROWS_AT_ONCE}`,
      { ...boundOf(owner), after },
    );
    for (const { userId, at } of rows) expiries.set(userId, at);
    if (rows.length < ROWS_AT_ONCE) return expiries;
    after = rows.at(-1)!.userId;
  }
}

export async function summaryOf(sql: Sql, owner: SetOwner): Promise<ExpirySummary> {
  return (await sql.get<ExpirySummary>(
    `SELECT count(*) AS users, min(expires_at) AS "nextAt" FROM list_expiries WHERE campaign = ${numberOf(owner)}`,
    boundOf(owner),
  ))!;
}

/** The effect of a change on the expiry times of a list. */
export class ExpiryChange {
  readonly #change: Pick<ChangeOptions, 'expiries' | 'maximumExpiries'> & { readonly how: Change };
  readonly #before: Expiries;
  readonly #touched = new Set<string>();

  constructor(
    change: Pick<ChangeOptions, 'expiries' | 'maximumExpiries'> & { readonly how: Change },
    before: Expiries,
  ) {
    this.#change = change;
    this.#before = before;
  }

  /** Passes the collected ids through, noting which ones have an expiry. */
  *over(blocks: IdBlocks): Generator<IdBlock, void, void> {
    for (const block of blocks) {
      if (this.#before.size > 0) for (const userId of block) if (this.#before.has(userId)) this.#touched.add(userId);
      yield block;
    }
  }

  /** The expiry times after the change. Call this when all collected ids were read. @throws AppError too_many_seeds */
  after(): Expiries {
    const { how, expiries = NO_EXPIRIES, maximumExpiries = Number.POSITIVE_INFINITY } = this.#change;
    const after = expiriesAfter(how, this.#before, this.#touched, expiries);
    refuseMoreExpiries(after.size, maximumExpiries);
    return after;
  }

  /** Writes the rows in the transaction of the change. */
  async write(t: Sql, owner: SetOwner): Promise<void> {
    const isReplaced = this.#change.how === 'replace';
    // the replaced set may not be the one that was read
    if (isReplaced) await clearExpiries(t, owner);
    await writeExpiries(t, owner, isReplaced ? NO_EXPIRIES : this.#before, this.after());
  }
}

/** Writes the rows that differ from `before`. */
async function writeExpiries(t: Sql, owner: SetOwner, before: Expiries, after: Expiries): Promise<void> {
  const changed = [...after].filter(([userId, at]) => before.get(userId) !== at);
  const gone = [...before.keys()].filter((userId) => !after.has(userId));
  await removeExpiries(t, owner, [...gone, ...changed.map(([userId]) => userId)]);
  for (let at = 0; at < changed.length; at += ROWS_AT_ONCE) {
    const slice = changed.slice(at, at + ROWS_AT_ONCE);
    await t.run(
      `INSERT INTO list_expiries (campaign, user_id, expires_at)
       SELECT ${numberOf(owner)}, "userIds", "times"
       FROM ${t.dialect.tableOf({ userIds: 'text', times: 'bigint' })}`,
      { ...boundOf(owner), userIds: slice.map(([userId]) => userId), times: slice.map(([, time]) => time) },
    );
  }
}

async function removeExpiries(t: Sql, owner: SetOwner, userIds: readonly string[]): Promise<void> {
  for (let at = 0; at < userIds.length; at += ROWS_AT_ONCE)
    await t.run(
      `DELETE FROM list_expiries WHERE campaign = ${numberOf(owner)} AND user_id ${t.dialect.isAnyOf('userIds', 'text')}`,
      {
        ...boundOf(owner),
        userIds: userIds.slice(at, at + ROWS_AT_ONCE),
      },
    );
}

/** Removes all rows of a list in the caller's transaction. */
export async function clearExpiries(t: Sql, owner: SetOwner): Promise<void> {
  await t.run(`DELETE FROM list_expiries WHERE campaign = ${numberOf(owner)}`, boundOf(owner));
}

/** Removes rows of erased users from a campaign's list or the global list. */
export async function eraseExpiries(t: Sql, campaign: number, erased: ReadonlySet<string>): Promise<void> {
  await t.run(
    `DELETE FROM list_expiries WHERE campaign = @campaign AND user_id ${t.dialect.isAnyOf('erased', 'text')}`,
    { campaign, erased: [...erased] },
  );
}

/** The lists with users who have expired by `now`. */
export async function listsWithExpired(sql: Sql, now: number): Promise<readonly SetOwner[]> {
  const rows = await sql.all<{ readonly id: string | null }>(
    `SELECT c.id FROM (SELECT DISTINCT campaign FROM list_expiries WHERE expires_at <= @now) e
     LEFT JOIN campaigns c ON c.number = e.campaign`,
    { now },
  );
  return rows.map(({ id }) => (id === null ? { kind: 'common_suppression' } : { kind: 'suppression', campaignId: id }));
}

export async function expiredUsers(sql: Sql, owner: SetOwner, now: number): Promise<string[]> {
  const rows = await sql.all<{ readonly userId: string }>(
    `SELECT user_id AS "userId" FROM list_expiries WHERE campaign = ${numberOf(owner)} AND expires_at <= @now`,
    { ...boundOf(owner), now },
  );
  return rows.map(({ userId }) => userId);
}
