/** Receives the rows of an update: unchanged rows are skipped, and changed rows replace the users' current rows. */
import type { UserNumber } from '../../lib/brands.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { hashRows } from '../import/row-hash.ts';
import type { RowFault, RowSink } from '../import/row-sink.ts';
import { SegmentBuilder } from '../import/segment-builder.ts';
import { RowSet } from '../read/row-set.ts';
import type { Rows } from '../read/segments.ts';
import type { VersionWriter } from '../versions/version-writer.ts';
import type { BaseVersion } from './base-version.ts';

/** Number of rows to collect and compare at a time. */
const STAGED_ROWS = 8192;

export interface DeltaCounts {
  /** Number of users whose row was replaced. */
  changed: number;
  /** Number of users who had no row before. */
  added: number;
  /** Number of users whose row is unchanged. */
  unchanged: number;
  /** Number of users whose row was removed. */
  deleted: number;
  /** Number of users who were to be deleted but were not in the population. */
  unknown: number;
  /** Number of users whose row was removed because they were erased. */
  erased: number;
}

export interface Published {
  readonly version: string;
  readonly users: number;
  readonly segments: { readonly shared: number; readonly written: number };
}

export class DeltaWriter implements RowSink {
  readonly counts: DeltaCounts = { changed: 0, added: 0, unchanged: 0, deleted: 0, unknown: 0, erased: 0 };
  readonly segment: SegmentBuilder;
  readonly #writer: VersionWriter;
  readonly #base: BaseVersion;
  readonly #firstNew: number;
  readonly #deleted = new RowSet();
  readonly #unknown = new TextTable();
  readonly #seen = new RowSet();
  /** Rows that wait for `writeAhead`, which reads the segments that they are compared with. */
  readonly #pending: Rows[] = [];
  #rows = 0;

  constructor(writer: VersionWriter, base: BaseVersion) {
    this.#writer = writer;
    this.#base = base;
    this.#firstNew = writer.directory.count;
    this.segment = new SegmentBuilder(base.features, STAGED_ROWS);
    for (const user of writer.erased.numbers) {
      if (!base.has(user)) continue;
      base.remove(user);
      this.counts.erased += 1;
    }
  }

  get directory(): TextTable {
    return this.#writer.directory;
  }

  get dictionaries(): readonly TextTable[] {
    return this.#writer.dictionaries;
  }

  get erased(): RowSink['erased'] {
    return this.#writer.erased;
  }

  get scratch(): string {
    return this.#writer.scratch;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Removes the user's row. Call this before any row is added; a repeated id changes nothing. */
  delete(userId: string): void {
    assert(this.#rows === 0, 'users are deleted before rows are read');
    const user = this.directory.find(userId);
    const known = this.#unknown.count;
    if (user < 0) {
      const added = this.#unknown.add(userId, Number.POSITIVE_INFINITY);
      assert(added >= 0, 'the id is text, and there is room for it');
      this.counts.unknown += this.#unknown.count - known;
    } else if (!this.#deleted.has(user)) {
      this.#deleted.add(user);
      if (this.#base.has(user)) {
        this.#base.remove(user);
        this.counts.deleted += 1;
      } else this.counts.unknown += 1;
    }
  }

  endRow(userNumber: UserNumber): RowFault | null {
    const fault = this.#see(userNumber);
    if (fault) return fault;
    this.segment.endRow(userNumber);
    if (this.segment.isFull) this.#setAside();
    return null;
  }

  async writeAhead(): Promise<void> {
    for (const rows of this.#pending.splice(0)) {
      await this.#base.prepare(rows.userNumbers);
      this.#take(rows);
      await this.#writer.writeAhead();
    }
  }

  settle(): Promise<void> {
    return this.#writer.settle();
  }

  /**
   * Publishes the version unless it equals the previous one. With `isCompacted`, the new version has no dead rows.
   * `hasIdentifiers`: identifiers were added.
   * @throws AppError invalid_data if no user would be left; the errors of a damaged folder
   */
  async publish({
    isCompacted,
    hasIdentifiers,
  }: {
    readonly isCompacted: boolean;
    readonly hasIdentifiers: boolean;
  }): Promise<Published> {
    const [writer, base, counts] = [this.#writer, this.#base, this.counts];
    this.#setAside();
    await this.writeAhead();
    if (base.users + writer.rows === 0) throw new AppError('invalid_data', 'the update would leave no user');
    const scattered = base.findScattered(writer.rows, isCompacted);
    const isChange =
      counts.changed + counts.added + counts.deleted + counts.erased > 0 ||
      (isCompacted && scattered.length > 0) ||
      hasIdentifiers;
    for (const segment of isChange ? scattered : []) {
      writer.addRows(await base.takeOut(segment));
      await writer.writeAhead();
    }
    const shared = base.share();
    const segments = { shared: shared.segments.length, written: writer.segments };
    if (!isChange) return { version: base.version, users: base.users, segments };
    const { version, users } = await writer.publish(shared);
    return { version, users, segments: { ...segments, written: writer.segments } };
  }

  #see(user: UserNumber): RowFault | null {
    if (this.#seen.has(user)) return 'repeated';
    if (this.#deleted.has(user)) return 'deleted';
    const isNew = user >= this.#firstNew;
    if (isNew && this.#unknown.count > 0 && this.#unknown.find(this.directory.text(user)) >= 0) return 'deleted';
    this.#seen.add(user);
    this.#rows += 1;
    return null;
  }

  #setAside(): void {
    if (this.segment.count === 0) return;
    const copy = new SegmentBuilder(this.#base.features, this.segment.count);
    copy.append(this.segment.view(), 0, this.segment.count);
    this.#pending.push(copy.view());
    this.segment.clear();
  }

  #take(rows: Rows): void {
    const { userNumbers, count } = rows;
    const isUnchanged = this.#findUnchanged(rows);
    for (let row = 0; row < count; ) {
      const from = row;
      for (; row < count && isUnchanged[row] === 0; row++) {
        const user = userNumbers[row]!;
        if (this.#base.has(user)) {
          this.#base.remove(user);
          this.counts.changed += 1;
        } else this.counts.added += 1;
      }
      const refused = this.#writer.addRows(rows, from, row);
      assert(refused === null, 'a user is added once');
      for (; row < count && isUnchanged[row] === 1; row++) this.counts.unchanged += 1;
    }
  }

  /** For each row, 1 if the row equals the user's current row, otherwise 0. */
  #findUnchanged(rows: Rows): Uint8Array {
    const hashes = hashRows(rows, this.#base.features);
    return Uint8Array.from({ length: rows.count }, (_, row) => {
      const user = rows.userNumbers[row]!;
      return this.#base.has(user) && this.#base.isEqual(user, hashes[2 * row]!, hashes[2 * row + 1]!) ? 1 : 0;
    });
  }
}
