/** Stores seeds and suppression lists in Postgres: changes to sets, and counts of their users in a population. */
import { setImmediate } from 'node:timers/promises';
import type { CollectedIds, UserSets } from '../../../domain/ports/user-sets.ts';
import type { SeedCounts } from '../../../domain/types.ts';
import {
  type Change,
  type ChangeOptions,
  type ChangeReport,
  type IdBlocks,
  type MatchedPopulation,
  type MatchReport,
  type OwnedSet,
  receivedAfter,
  type SetOwner,
  stillApplies,
} from '../../../domain/user-sets.ts';
import { type ChangeTask, combine, sentOf, tallyFor } from '../../files/change.ts';
import { IdSorter } from '../../files/id-sorter.ts';
import { type MatchTally, tallyOf } from '../../files/match-tally.ts';
import { blocksOfSet, openUserSet } from '../../files/set-file.ts';
import { listOwners, reportOn, reportOnNone, SetMatches } from '../../files/set-matches.ts';
import { untilUnchanged } from '../../files/until-unchanged.ts';
import type { PostgresAuditLog } from '../audit-log.ts';
import type { Connection } from '../connection.ts';
import type { Transaction } from '../database/database.ts';
import { type NewSet, type SetFiles, withSets } from './set-files.ts';
import { assignSet, readOwnedSet } from './set-rows.ts';

export class PostgresUserSets implements UserSets {
  readonly #connection: Connection;
  readonly #audit: PostgresAuditLog;
  readonly #files: SetFiles;
  readonly #matches: SetMatches;

  constructor(connection: Connection, audit: PostgresAuditLog, files: SetFiles) {
    this.#connection = connection;
    this.#audit = audit;
    this.#files = files;
    this.#matches = new SetMatches((names, work) => withSets(connection.blobs, names, work));
  }

  collect(): CollectedIds {
    return new IdSorter(this.#connection.blobs);
  }

  async change(
    owner: SetOwner,
    how: Change,
    collected: CollectedIds,
    population: MatchedPopulation,
    maximumUsers: number,
    options: ChangeOptions = {},
  ): Promise<ChangeReport> {
    // if the ids replace a set, they form the new set, and are matched while it is written
    const matches = how === 'replace' ? null : await tallyOf(collected.blocks(), population, options.onUnknown);
    const task = { owner, how, collected, population, maximumUsers, matches, ...options };
    if (options.isDryRun === true) return this.#untilUnchanged(owner, (before) => this.#preview(task, before));
    const sent = await this.#untilUnchanged(owner, (before) => this.#tryChange(task, before));
    return { ...(await this.report(owner, population)), sent };
  }

  async find(owner: SetOwner): Promise<string | null> {
    return (await readOwnedSet(this.#connection.database, owner))?.name ?? null;
  }

  async clear(owner: SetOwner): Promise<void> {
    const { database, options } = this.#connection;
    const before = await database.write(async (transaction) => {
      const owned = await readOwnedSet(transaction, owner);
      await assignSet(transaction, owner, null, options.clock.now());
      return owned;
    });
    if (before !== null) await this.#files.removeUnused(before.name);
  }

  async report(owner: SetOwner, population: MatchedPopulation): Promise<MatchReport> {
    return this.#untilUnchanged(owner, async (owned) => {
      if (owned === null) return reportOnNone(owner);
      const [matches, suppressed] = await Promise.all([
        this.#matches.of(owned.name, population),
        owner.kind === 'seeds'
          ? this.#listsOf(owner.campaignId).then((lists) => this.#matches.suppressedOf(owned.name, lists, population))
          : null,
      ]);
      return reportOn(owned, matches, suppressed);
    });
  }

  async unknownOf(owner: SetOwner, population: MatchedPopulation): Promise<Generator<readonly string[], void, void>> {
    const { blobs } = this.#connection;
    const blocks = await this.#untilUnchanged(owner, async (owned) =>
      owned === null ? [] : blocksOfSet(await openUserSet(blobs, owned.name), owned.name),
    );
    return unknownIn(blocks, population);
  }

  removeUnused(): Promise<void> {
    return this.#files.removeAllUnused();
  }

  /** Others may be writing: files that they have just published are not leftovers. */
  async removeLeftovers(): Promise<void> {
    await this.#files.removeAllUnused();
    await this.#files.removeLeftovers();
  }

  /** Makes the change and returns the counts of the sent ids; null if another change was made in the meantime. */
  async #tryChange(task: ChangeTask, before: OwnedSet | null): Promise<SeedCounts | null> {
    const { owner, population, action = null } = task;
    let tally = tallyFor(task);
    const write = async () => {
      tally = tallyFor(task);
      return { set: await this.#writeAfter(task, before, tally) };
    };
    const written = await this.#files.keep(write, async ({ set }) => {
      const sent = sentOf(task, tally);
      const changed = await this.#audit.with(action, async (transaction) => {
        const current = await readOwnedSet(transaction, owner);
        if (!stillApplies(task.how, before, current)) return null;
        task.accept?.(sent);
        await this.#record(transaction, task, { set, tally, current });
        return { current };
      });
      return changed && { ...changed, sent, name: set.name };
    });
    if (written === null) return null;
    const { name, current, sent } = written;
    this.#matches.remember(name, population, tally.matches());
    if (current !== null) await this.#files.removeUnused(current.name);
    return sent;
  }

  async #record(
    transaction: Transaction,
    { owner, how, collected }: ChangeTask,
    { set, tally, current }: { readonly set: NewSet; readonly tally: MatchTally; readonly current: OwnedSet | null },
  ): Promise<void> {
    const now = this.#connection.options.clock.now();
    await this.#files.record(transaction, set, now);
    const received = receivedAfter(how, collected.received, current, set.users);
    const counts = { received, duplicate: received - set.users, ...tally.matches() };
    const createdAt = current?.createdAt ?? now;
    await assignSet(transaction, owner, { name: set.name, counts, createdAt, updatedAt: now }, now);
  }

  #writeAfter({ how, collected }: ChangeTask, before: OwnedSet | null, tally: MatchTally): Promise<NewSet> {
    const { blobs } = this.#connection;
    // a set that is replaced is not read, so that it may be damaged or lost
    return withSets(blobs, before === null || how === 'replace' ? [] : [before.name], ([ids = []]) =>
      this.#files.write(tally.over(combine(how, ids, collected.blocks()))),
    );
  }

  /** Returns the report of a change without making the change. */
  async #preview(task: ChangeTask, before: OwnedSet | null): Promise<ChangeReport> {
    const { owner, how, collected, population } = task;
    const after = <T>(work: (ids: IdBlocks) => Promise<T>) =>
      withSets(this.#connection.blobs, before === null ? [] : [before.name], ([ids = []]) =>
        work(combine(how, ids, collected.blocks())),
      );
    const tally = tallyFor(task);
    await after(async (ids) => {
      for (const _ of tally.over(ids)) await setImmediate();
    });
    const sent = sentOf(task, tally);
    task.accept?.(sent);
    const { known, unknown } = tally.matches();
    const users = known + unknown;
    const received = receivedAfter(how, collected.received, before, users);
    const lists = owner.kind === 'seeds' ? await this.#listsOf(owner.campaignId) : null;
    const suppressed = lists && (await after((ids) => this.#matches.countSuppressed(ids, lists, population)));
    const { createdAt = null, updatedAt = null } = before ?? {};
    const counts = { received, duplicate: received - users, users, ...tally.matches() };
    return { ...counts, suppressed, createdAt, updatedAt, sent };
  }

  /** Suppression lists that apply to a campaign. */
  async #listsOf(campaignId: string): Promise<string[]> {
    const lists: string[] = [];
    for (const owner of listOwners(campaignId)) {
      const list = await this.find(owner);
      if (list !== null) lists.push(list);
    }
    return lists;
  }

  #untilUnchanged<T extends object>(owner: SetOwner, work: (owned: OwnedSet | null) => Promise<T | null>): Promise<T> {
    return untilUnchanged(() => readOwnedSet(this.#connection.database, owner), work);
  }
}

function* unknownIn(blocks: IdBlocks, population: MatchedPopulation): Generator<readonly string[], void, void> {
  for (const block of blocks) yield block.filter((userId) => !population.has(userId));
}
