/** Stores seeds, negatives and suppression lists: changes to sets, and how many of their users are in a population. */
import { setImmediate } from 'node:timers/promises';
import type { IdBlocks } from '../../domain/id-blocks.ts';
import { canExpire, expiryAction, NO_EXPIRIES, summariseExpiries } from '../../domain/list-expiry.ts';
import type { CollectedIds, UserSets } from '../../domain/ports/user-sets.ts';
import type { SeedCounts } from '../../domain/types.ts';
import {
  type Change,
  type ChangeOptions,
  type ChangeReport,
  consentAfter,
  type MatchedPopulation,
  type MatchReport,
  type OwnedSet,
  receivedAfter,
  type SetOwner,
  stillApplies,
} from '../../domain/user-sets.ts';
import { AppError } from '../../lib/errors.ts';
import { IdSorter } from '../files/id-sorter.ts';
import { userSetBlocks } from '../files/set-file.ts';
import {
  listOwners,
  type MatchTally,
  NO_OVERLAPS,
  type Overlaps,
  reportOn,
  reportOnNone,
  SetMatches,
  tallyOf,
  unknownIn,
} from '../files/set-matches.ts';
import { WeightTally } from '../files/weight-tally.ts';
import type { AuditRepository } from './audit-log.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { EventLog } from './events.ts';
import {
  clearExpiries,
  ExpiryChange,
  expiredUsers,
  listsWithExpired,
  readExpiries,
  summaryOf,
} from './list-expiries.ts';
import { type ChangeTask, combine, sentOf, tallyFor, untilUnchanged, usersIn } from './set-change.ts';
import { deleteUnusedSets, type NewSet, type SetFiles, withSets } from './set-files.ts';
import { assignSet, readOwnedSet } from './set-rows.ts';
import type { Transaction } from './sql.ts';
import type { UnusedBlobs } from './unused-blobs.ts';

interface UserSetRepositoryDependencies extends StoreDependencies {
  readonly audit: AuditRepository;
  readonly events: EventLog;
  readonly setFiles: SetFiles;
  readonly unusedBlobs: UnusedBlobs;
}

export class UserSetRepository implements UserSets {
  readonly #dependencies: UserSetRepositoryDependencies;
  readonly #matches: SetMatches;

  constructor(dependencies: UserSetRepositoryDependencies) {
    this.#dependencies = dependencies;
    this.#matches = new SetMatches((names, work) => withSets(dependencies.blobs, names, work));
  }

  collect(): CollectedIds {
    return new IdSorter(this.#dependencies.blobs);
  }

  async change(
    owner: SetOwner,
    how: Change,
    collected: CollectedIds,
    population: MatchedPopulation,
    maximumUsers: number,
    options: ChangeOptions = {},
  ): Promise<ChangeReport> {
    // if the ids replace a set, they form the new set and are matched while it is written
    const matches = how === 'replace' ? null : await tallyOf(collected.blocks(), population, options.onUnknown);
    const task = { owner, how, collected, population, maximumUsers, matches, ...options };
    if (options.isDryRun === true)
      return untilUnchanged(this.#dependencies.database, owner, (before) => this.#preview(task, before));
    const sent = await untilUnchanged(this.#dependencies.database, owner, (before) => this.#tryChange(task, before));
    return { ...(await this.report(owner, population)), sent };
  }

  async removeExpired(now: number, population: MatchedPopulation): Promise<number> {
    const errors: unknown[] = [];
    let users = 0;
    for (const owner of await listsWithExpired(this.#dependencies.database, now)) {
      try {
        users += (
          await untilUnchanged(this.#dependencies.database, owner, (before) =>
            this.#tryExpire(owner, before, now, population),
          )
        ).users;
      } catch (error) {
        // a campaign that was deleted meanwhile has no list
        if (!(error instanceof AppError && error.code === 'campaign_not_found')) errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return users;
  }

  async find(owner: SetOwner): Promise<string | null> {
    return (await readOwnedSet(this.#dependencies.database, owner))?.name ?? null;
  }

  async clear(owner: SetOwner): Promise<void> {
    const { database } = this.#dependencies;
    const clear = async (t: Transaction) => {
      const before = await readOwnedSet(t, owner);
      await assignSet(t, owner, null, this.#now());
      if (canExpire(owner)) await clearExpiries(t, owner);
      return before === null ? [] : deleteUnusedSets(t, [before.name], this.#now());
    };
    await this.#removeFiles(await database.freeing(() => database.write(clear)));
  }

  async report(owner: SetOwner, population: MatchedPopulation): Promise<MatchReport> {
    return untilUnchanged(this.#dependencies.database, owner, async (owned) => {
      if (owned === null) return reportOnNone(owner);
      const expiring = canExpire(owner) ? await summaryOf(this.#dependencies.database, owner) : null;
      const [matches, overlaps] = await Promise.all([
        this.#matches.of(owned.name, population),
        this.#overlapsOf(owner, (lists) => this.#matches.listedOf(owned.name, lists, population)),
      ]);
      return reportOn(owned, matches, overlaps, expiring);
    });
  }

  async unknownOf(owner: SetOwner, population: MatchedPopulation): Promise<Generator<readonly string[], void, void>> {
    const { blobs } = this.#dependencies;
    const blocks = await untilUnchanged(
      this.#dependencies.database,
      owner,
      async (owned): Promise<IdBlocks> => (owned === null ? [] : userSetBlocks(blobs, owned.name)),
    );
    return unknownIn(blocks, population);
  }

  /** Makes the change and returns the counts of the sent ids; null if somebody else changed the set meanwhile. */
  async #tryChange(task: ChangeTask, before: OwnedSet | null): Promise<SeedCounts | null> {
    const { owner, population, action = null } = task;
    const { audit, setFiles } = this.#dependencies;
    const expiring = await this.#expiryChange(task);
    let tally = tallyFor(task);
    const write = async () => {
      tally = tallyFor(task);
      return { set: await this.#writeAfter(task, before, tally, expiring) };
    };
    const written = await setFiles.keep(write, async ({ set }) => {
      const sent = sentOf(task, tally);
      const unused = await audit.with(action, async (t) => {
        const current = await readOwnedSet(t, owner);
        if (!stillApplies(task.how, before, current)) return false;
        task.accept?.(sent);
        await this.#record(t, task, { set, tally, current });
        if (canExpire(owner)) await expiring.write(t, owner);
        await task.also?.(t);
        return current === null ? [] : deleteUnusedSets(t, [current.name], this.#now());
      });
      return unused && { name: set.name, sent, unused };
    });
    if (written === false) return null;
    this.#matches.remember(written.name, population, tally.matches());
    await this.#removeFiles(written.unused);
    return written.sent;
  }

  async #record(
    t: Transaction,
    { owner, how, collected, consentBasis: given }: ChangeTask,
    { set, tally, current }: { readonly set: NewSet; readonly tally: MatchTally; readonly current: OwnedSet | null },
  ): Promise<void> {
    const now = this.#now();
    await this.#dependencies.setFiles.record(t, set, now);
    const received = receivedAfter(how, collected.received, current, set.users);
    const { identifiers: _, ...matches } = tally.matches();
    const counts = { received, duplicate: received - set.users, ...matches };
    const { name, weights } = set;
    const consentBasis = consentAfter(how, current, given);
    const createdAt = current?.createdAt ?? now;
    await assignSet(t, owner, { name, counts, weights, consentBasis, createdAt, updatedAt: now }, now);
  }

  #writeAfter(
    { how, collected }: ChangeTask,
    before: OwnedSet | null,
    tally: MatchTally,
    expiring: ExpiryChange,
  ): Promise<NewSet> {
    const { blobs, setFiles } = this.#dependencies;
    // a set that is being replaced is not read, so it may be damaged or lost
    return withSets(blobs, before === null || how === 'replace' ? [] : [before.name], ([ids = []]) =>
      setFiles.write(tally.over(combine(how, ids, expiring.over(collected.blocks())))),
    );
  }

  async #expiryChange(task: ChangeTask): Promise<ExpiryChange> {
    const { owner, how } = task;
    const isRead = canExpire(owner) && how !== 'replace';
    return new ExpiryChange(task, isRead ? await readExpiries(this.#dependencies.database, owner) : NO_EXPIRIES);
  }

  /** Removes expired users from a list; null if somebody else changed the list meanwhile. */
  async #tryExpire(owner: SetOwner, before: OwnedSet | null, now: number, population: MatchedPopulation) {
    const { database, events } = this.#dependencies;
    const userIds = before === null ? [] : await expiredUsers(database, owner, now);
    const users = userIds.length;
    if (users === 0) return { users };
    const collected = this.collect();
    try {
      for (const userId of userIds) collected.add(userId);
      const how = 'remove';
      const task = { owner, how, collected, population, maximumUsers: Number.POSITIVE_INFINITY } as const;
      const sent = await this.#tryChange(
        {
          ...task,
          matches: await tallyOf(collected.blocks(), population),
          action: { action: expiryAction(owner, users), isRecorded: false },
          also: (t) => events.usersExpired(t, owner, users, this.#now()),
        },
        before,
      );
      return sent && { users };
    } finally {
      collected.close();
    }
  }

  /** Removes the files of unused sets. If that fails, a later clean-up removes them. */
  async #removeFiles(paths: readonly string[]): Promise<void> {
    try {
      await this.#dependencies.unusedBlobs.remove(paths);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Returns the report of a change without making it. */
  async #preview(task: ChangeTask, before: OwnedSet | null): Promise<ChangeReport> {
    const { owner, how, collected, population } = task;
    const consentBasis = consentAfter(how, before, task.consentBasis);
    const expiryChange = await this.#expiryChange(task);
    const after = <T>(work: (ids: IdBlocks) => Promise<T>) =>
      withSets(this.#dependencies.blobs, before === null ? [] : [before.name], ([ids = []]) =>
        work(combine(how, ids, expiryChange.over(collected.blocks()))),
      );
    const tally = tallyFor(task);
    const weights = new WeightTally();
    await after(async (ids) => {
      for (const block of tally.over(ids)) {
        weights.add(block);
        await setImmediate();
      }
    });
    const sent = sentOf(task, tally);
    task.accept?.(sent);
    const users = usersIn(tally.matches());
    const received = receivedAfter(how, collected.received, before, users);
    const overlaps = await this.#overlapsOf(owner, (lists) =>
      after((ids) => this.#matches.countListed(ids, lists, population)),
    );
    const { createdAt = null, updatedAt = null } = before ?? {};
    const expiring = canExpire(owner) ? summariseExpiries(expiryChange.after()) : null;
    const counts = { received, duplicate: received - users, users, ...tally.matches() };
    return { ...counts, ...overlaps, weights: weights.summary(), consentBasis, expiring, createdAt, updatedAt, sent };
  }

  /**
   * Counts the users of a set who are also in other sets. `count` returns how many are on at least one of the given
   * lists.
   */
  async #overlapsOf(owner: SetOwner, count: (lists: readonly string[]) => Promise<number>): Promise<Overlaps> {
    if (owner.kind !== 'seeds' && owner.kind !== 'negatives') return NO_OVERLAPS;
    const { kind, campaignId } = owner;
    const opposite: SetOwner = { kind: kind === 'seeds' ? 'negatives' : 'seeds', campaignId };
    return {
      suppressed: await count(await this.#setsOf(listOwners(campaignId))),
      contradicting: await count(await this.#setsOf([opposite])),
    };
  }

  async #setsOf(owners: readonly SetOwner[]): Promise<string[]> {
    const lists: string[] = [];
    for (const owner of owners) {
      const list = await this.find(owner);
      if (list !== null) lists.push(list);
    }
    return lists;
  }

  #now(): number {
    return this.#dependencies.options.clock.now();
  }
}
