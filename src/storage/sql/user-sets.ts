/** Stores seeds, negatives and suppression lists: changes to sets, and counts of their users in a population. */
import { setImmediate } from 'node:timers/promises';
import type { CollectedIds, UserSets } from '../../domain/ports/user-sets.ts';
import type { SeedCounts } from '../../domain/types.ts';
import {
  type Change,
  type ChangeOptions,
  type ChangeReport,
  consentAfter,
  type IdBlocks,
  type MatchedPopulation,
  type Matches,
  type MatchReport,
  type OwnedSet,
  receivedAfter,
  type SetOwner,
  stillApplies,
} from '../../domain/user-sets.ts';
import { AppError, isMissing } from '../../lib/errors.ts';
import { differenceOf, unionOf } from '../files/algebra.ts';
import { IdSorter } from '../files/id-sorter.ts';
import { userSetBlocks } from '../files/set-file.ts';
import {
  listOwners,
  MatchTally,
  NO_OVERLAPS,
  type Overlaps,
  reportOn,
  reportOnNone,
  SetMatches,
  tallyOf,
} from '../files/set-matches.ts';
import { WeightTally } from '../files/weight-tally.ts';
import type { AuditRepository } from './audit-log.ts';
import type { StoreDependencies } from './dependencies.ts';
import { deleteUnusedSets, type NewSet, type SetFiles, withSets } from './set-files.ts';
import { assignSet, readOwnedSet } from './set-rows.ts';
import type { Transaction } from './sql.ts';
import type { UnusedBlobs } from './unused-blobs.ts';

/** Maximum number of times that work begins anew because others changed the set that it reads. */
const ATTEMPTS = 20;
const ATTEMPTS_FOR_FILES = 3;

interface UserSetRepositoryDependencies extends StoreDependencies {
  readonly audit: AuditRepository;
  readonly setFiles: SetFiles;
  readonly unusedBlobs: UnusedBlobs;
}

interface ChangeTask extends ChangeOptions {
  readonly owner: SetOwner;
  readonly how: Change;
  readonly collected: CollectedIds;
  readonly population: MatchedPopulation;
  readonly maximumUsers: number;
  /**
   * Counts of the collected ids; null if these ids form the new set, because the new set is counted while it is
   * written.
   */
  readonly matches: Matches | null;
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
    // if the ids replace a set, they form the new set, and are matched while it is written
    const matches = how === 'replace' ? null : await tallyOf(collected.blocks(), population, options.onUnknown);
    const task = { owner, how, collected, population, maximumUsers, matches, ...options };
    if (options.isDryRun === true) return this.#untilUnchanged(owner, (before) => this.#preview(task, before));
    const sent = await this.#untilUnchanged(owner, (before) => this.#tryChange(task, before));
    return { ...(await this.report(owner, population)), sent };
  }

  async find(owner: SetOwner): Promise<string | null> {
    return (await readOwnedSet(this.#dependencies.database, owner))?.name ?? null;
  }

  async clear(owner: SetOwner): Promise<void> {
    const { database } = this.#dependencies;
    const clear = async (t: Transaction) => {
      const before = await readOwnedSet(t, owner);
      await assignSet(t, owner, null, this.#now());
      return before === null ? [] : deleteUnusedSets(t, [before.name], this.#now());
    };
    await this.#removeFiles(await database.freeing(() => database.write(clear)));
  }

  async report(owner: SetOwner, population: MatchedPopulation): Promise<MatchReport> {
    return this.#untilUnchanged(owner, async (owned) => {
      if (owned === null) return reportOnNone(owner);
      const [matches, overlaps] = await Promise.all([
        this.#matches.of(owned.name, population),
        this.#overlapsOf(owner, (lists) => this.#matches.listedOf(owned.name, lists, population)),
      ]);
      return reportOn(owned, matches, overlaps);
    });
  }

  async unknownOf(owner: SetOwner, population: MatchedPopulation): Promise<Generator<readonly string[], void, void>> {
    const { blobs } = this.#dependencies;
    const blocks = await this.#untilUnchanged(
      owner,
      async (owned): Promise<IdBlocks> => (owned === null ? [] : userSetBlocks(blobs, owned.name)),
    );
    return unknownIn(blocks, population);
  }

  /** Makes the change and returns the counts of the sent ids; null if another change was made in the meantime. */
  async #tryChange(task: ChangeTask, before: OwnedSet | null): Promise<SeedCounts | null> {
    const { owner, population, action = null } = task;
    const { audit, setFiles } = this.#dependencies;
    let tally = tallyFor(task);
    const write = async () => {
      tally = tallyFor(task);
      return { set: await this.#writeAfter(task, before, tally) };
    };
    const written = await setFiles.keep(write, async ({ set }) => {
      const sent = sentOf(task, tally);
      const unused = await audit.with(action, async (t) => {
        const current = await readOwnedSet(t, owner);
        if (!stillApplies(task.how, before, current)) return false;
        task.accept?.(sent);
        await this.#record(t, task, { set, tally, current });
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

  #writeAfter({ how, collected }: ChangeTask, before: OwnedSet | null, tally: MatchTally): Promise<NewSet> {
    const { blobs, setFiles } = this.#dependencies;
    // a set that is replaced is not read, so it may be damaged or lost
    return withSets(blobs, before === null || how === 'replace' ? [] : [before.name], ([ids = []]) =>
      setFiles.write(tally.over(combine(how, ids, collected.blocks()))),
    );
  }

  /** Removes the files of unused sets. If that fails, a later clean-up removes them. */
  async #removeFiles(paths: readonly string[]): Promise<void> {
    try {
      await this.#dependencies.unusedBlobs.remove(paths);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Returns the report of a change without making the change. */
  async #preview(task: ChangeTask, before: OwnedSet | null): Promise<ChangeReport> {
    const { owner, how, collected, population } = task;
    const consentBasis = consentAfter(how, before, task.consentBasis);
    const after = <T>(work: (ids: IdBlocks) => Promise<T>) =>
      withSets(this.#dependencies.blobs, before === null ? [] : [before.name], ([ids = []]) =>
        work(combine(how, ids, collected.blocks())),
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
    const counts = { received, duplicate: received - users, users, ...tally.matches() };
    return { ...counts, ...overlaps, weights: weights.summary(), consentBasis, createdAt, updatedAt, sent };
  }

  /** Counts the users of a set who are also in other sets; `count` counts those on at least one of the given lists. */
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

  /**
   * Calls `work` with the owner's set. If `work` returns null, or does not find the file of a set because it has just
   * been replaced, `work` is called again.
   * @throws AppError unavailable if the set changes too often; the errors of `work`
   */
  async #untilUnchanged<T extends object>(
    owner: SetOwner,
    work: (owned: OwnedSet | null) => Promise<T | null>,
  ): Promise<T> {
    const read = () => readOwnedSet(this.#dependencies.database, owner);
    let missing: unknown;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const owned = await read();
      try {
        const done = await work(owned);
        if (done !== null) return done;
      } catch (error) {
        if (!isMissing(error)) throw error;
        // if the set was not replaced, a missing file is lost
        if (attempt >= ATTEMPTS_FOR_FILES && (await read())?.name === owned?.name) throw error;
        missing = error;
      }
    }
    throw new AppError('unavailable', 'others keep changing the user set', { cause: missing });
  }

  #now(): number {
    return this.#dependencies.options.clock.now();
  }
}

/** Creates the tally that counts the new set while it is written. */
function tallyFor({ how, population, maximumUsers, onUnknown, maximumRows }: ChangeTask): MatchTally {
  return new MatchTally(population, maximumUsers, {
    ...(maximumRows !== undefined && { maximumRows }),
    ...(how === 'replace' && onUnknown && { onUnknown }),
  });
}

/** Counts of the sent ids, available once the new set has been counted. */
function sentOf({ collected, matches }: ChangeTask, tally: MatchTally): SeedCounts {
  const counted = matches ?? tally.matches();
  const { received } = collected;
  return { ...counted, received, duplicate: received - usersIn(counted) };
}

function usersIn({ known, unknown, outside = 0 }: Matches): number {
  return known + unknown + outside;
}

/** Blocks of the resulting set. */
function combine(how: Change, before: IdBlocks, collected: IdBlocks): IdBlocks {
  if (how === 'replace') return collected;
  return how === 'add' ? unionOf(before, collected) : differenceOf(before, collected);
}

function* unknownIn(blocks: IdBlocks, population: MatchedPopulation): Generator<readonly string[], void, void> {
  for (const block of blocks)
    yield block.filter((userId, i) => block.features?.[i] === undefined && !population.has(userId));
}
