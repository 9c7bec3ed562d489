/** Stores conversions, and sums them by user. */
import { setImmediate } from 'node:timers/promises';
import type { PendingAction } from '../../domain/audit.ts';
import {
  type Conversion,
  type ConversionReport,
  type UserConversions,
  type Window,
  withoutRepetitions,
} from '../../domain/conversions.ts';
import type { Conversions } from '../../domain/ports/conversions.ts';
import type { AuditRepository } from './audit-log.ts';
import { getNumber } from './campaign-rows.ts';
import type { StoreDependencies } from './dependencies.ts';
import { campaignsOfUsers, REMOVED_ROWS } from './feedback-removal.ts';
import type { Database, Transaction } from './sql.ts';

/** Number of conversions that are written at once, and number of users that are read at once. */
const WRITTEN_CONVERSIONS = 500;
const READ_USERS = 4_096;

export class ConversionRepository implements Conversions {
  readonly #database: Database;
  readonly #audit: AuditRepository;

  constructor({ database }: StoreDependencies, audit: AuditRepository) {
    this.#database = database;
    this.#audit = audit;
  }

  addConversions(
    id: string,
    conversions: readonly Conversion[],
    action: PendingAction | null = null,
  ): Promise<ConversionReport> {
    const distinct = withoutRepetitions(conversions);
    const add = async (t: Transaction) => {
      const campaign = await getNumber(t, id);
      let recorded = 0;
      for (let at = 0; at < distinct.length; at += WRITTEN_CONVERSIONS) {
        recorded += await addSome(t, campaign, distinct.slice(at, at + WRITTEN_CONVERSIONS));
        await setImmediate();
      }
      return { received: conversions.length, recorded };
    };
    return this.#audit.with(action, add, 'readCommitted');
  }

  async *convertedUsers(id: string, { from, to }: Window): AsyncGenerator<readonly UserConversions[], void, void> {
    const campaign = await getNumber(this.#database, id);
    for (let after = ''; ; ) {
      const rows = await this.#database.all<UserConversions>(
        `SELECT user_id AS "userId", count(*) AS conversions, sum(value) AS value FROM conversions
         WHERE campaign = @campaign AND user_id > @after AND happened_at >= @from AND happened_at < @to
         GROUP BY user_id ORDER BY user_id LIMIT ${READ_USERS}`,
        { campaign, after, from, to },
      );
      if (rows.length > 0) yield rows;
      if (rows.length < READ_USERS) return;
      after = rows.at(-1)!.userId;
    }
  }

  async removeConversions(before: number): Promise<void> {
    const removeSlice = () =>
      this.#database.run(
        `DELETE FROM conversions WHERE (campaign, user_id, happened_at) IN (
           SELECT campaign, user_id, happened_at FROM conversions WHERE happened_at < @before
           ORDER BY happened_at LIMIT ${REMOVED_ROWS})`,
        { before },
      );
    while ((await this.#database.freeing(removeSlice)) === REMOVED_ROWS) await setImmediate();
  }
}

/** Removes the conversions of users from all campaigns; returns their number. */
export async function eraseConversions(t: Transaction, userIds: readonly string[]): Promise<number> {
  let erased = 0;
  for (const { campaign } of await campaignsOfUsers(t, 'conversions', userIds))
    erased += await t.run(
      `DELETE FROM conversions WHERE campaign = @campaign AND user_id ${t.dialect.isAnyOf('userIds', 'text')}`,
      { campaign, userIds },
    );
  return erased;
}

function addSome(t: Transaction, campaign: number, conversions: readonly Conversion[]): Promise<number> {
  return t.run(
    `INSERT INTO conversions (campaign, user_id, happened_at, value)
     SELECT CAST(@campaign AS bigint), list.*
     FROM ${t.dialect.tableOf({ userIds: 'text', times: 'bigint', amounts: 'double precision' })} WHERE true
     ON CONFLICT (campaign, user_id, happened_at) DO UPDATE SET value = excluded.value
     WHERE conversions.value <> excluded.value`,
    {
      campaign,
      userIds: conversions.map(({ userId }) => userId),
      times: conversions.map(({ happenedAt }) => happenedAt),
      amounts: conversions.map(({ value }) => value),
    },
  );
}
