/**
 * The identifiers of a version under construction. They come from files, and from the version that an update builds on.
 */
import { type HashForm, hashFormOf, labelOfId, splitLabel } from '../../domain/identities.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { compareHashes, type IdentifierIndex } from '../read/identifiers.ts';
import { RowSet } from '../read/row-set.ts';
import { sha256 } from '../versions/files.ts';
import type { ManifestIdentifiers } from '../versions/manifest.ts';

/** A file of identifiers, as recorded in the manifest, and its bytes. */
export interface IdentifierFile {
  readonly recorded: ManifestIdentifiers;
  readonly bytes: Uint8Array;
}

/** The users of a version. */
export interface VersionUsers {
  has(userNumber: UserNumber): boolean;
  /** Returns the id of a user for error messages. */
  id(userNumber: UserNumber): string;
}

export class ImportedIdentifiers {
  readonly #labels = new Map<string, LabelEntries>();
  /** Number of identifiers that were skipped because they were erased or their user is not in the population. */
  unknown = 0;
  erased = 0;

  /** Adds an identifier, written as a user id. */
  add(id: string, userNumber: UserNumber): void {
    const entries = this.#entriesOf(labelOfId(id)!);
    entries.add(Buffer.from(id.slice(entries.label.length + 1), entries.form.encoding), userNumber);
  }

  /**
   * Takes over the identifiers of an earlier version. Call this after all calls of `add`. For each label, users with
   * new identifiers lose their earlier ones, and an identifier that was added for another user moves to that user.
   */
  carryOver(index: IdentifierIndex): void {
    this.#entriesOf(index.label).carryOver(index);
  }

  /**
   * Encodes the files of a version, without identifiers of users that the version does not contain.
   * @throws AppError invalid_data if two users have the same identifier
   */
  encode(users: VersionUsers): readonly IdentifierFile[] {
    return [...this.#labels.values()]
      .sort((a, b) => (a.label < b.label ? -1 : 1))
      .flatMap((entries) => entries.encode(users) ?? []);
  }

  #entriesOf(label: string): LabelEntries {
    const entries = this.#labels.get(label) ?? new LabelEntries(label);
    this.#labels.set(label, entries);
    return entries;
  }
}

class LabelEntries {
  readonly label: string;
  readonly form: HashForm;
  #hashes: Buffer;
  #users = new Int32Array(1024);
  #count = 0;
  /** Number of entries before the ones taken over. */
  #added = 0;

  constructor(label: string) {
    this.label = label;
    this.form = hashFormOf(label)!;
    this.#hashes = Buffer.alloc(this.#users.length * this.form.bytes);
  }

  add(hash: Uint8Array, userNumber: UserNumber): void {
    this.#append(hash, userNumber);
    this.#added = this.#count;
  }

  carryOver(index: IdentifierIndex): void {
    const replaced = new RowSet();
    for (let i = 0; i < this.#added; i++) replaced.add(this.#users[i]!);
    index.forEach((hash, userNumber) => {
      if (!replaced.has(userNumber)) this.#append(hash, userNumber);
    });
  }

  encode(users: VersionUsers): IdentifierFile | null {
    const { bytes: width } = this.form;
    const order = this.#sortedEntries(users);
    if (order.length === 0) return null;
    const bytes = new Uint8Array(order.length * (width + Int32Array.BYTES_PER_ELEMENT));
    const numbers = new Int32Array(bytes.buffer, order.length * width);
    const having = new RowSet();
    for (const [i, entry] of order.entries()) {
      bytes.set(this.#hashes.subarray(entry * width, (entry + 1) * width), i * width);
      numbers[i] = this.#users[entry]!;
      having.add(numbers[i]!);
    }
    const path = `identifiers-${this.label.replaceAll(':', '-')}.bin`;
    const file = { path, size: bytes.length, sha256: sha256(bytes) };
    return { recorded: { label: this.label, count: order.length, users: having.size, ...file }, bytes };
  }

  #append(hash: Uint8Array, userNumber: UserNumber): void {
    if (this.#count === this.#users.length) {
      const [users, hashes] = [new Int32Array(2 * this.#count), Buffer.alloc(2 * this.#hashes.length)];
      users.set(this.#users);
      hashes.set(this.#hashes);
      [this.#users, this.#hashes] = [users, hashes];
    }
    this.#hashes.set(hash, this.#count * this.form.bytes);
    this.#users[this.#count] = userNumber;
    this.#count += 1;
  }

  /** The entries of the version's users, sorted by hash, each hash once. */
  #sortedEntries(users: VersionUsers): number[] {
    const { bytes } = this.form;
    const compare = (a: number, b: number) => compareHashes(this.#hashes, a * bytes, this.#hashes, b * bytes, bytes);
    const all = new Uint32Array(this.#count);
    let kept = 0;
    for (let i = 0; i < this.#count; i++) if (users.has(this.#users[i]!)) all[kept++] = i;
    const sorted = all.subarray(0, kept).sort((a, b) => compare(a, b) || a - b);
    const order: number[] = [];
    for (const entry of sorted) {
      const before = order.at(-1);
      if (before === undefined || compare(before, entry) !== 0) order.push(entry);
      else if (entry < this.#added && this.#users[before] !== this.#users[entry])
        throw this.#conflict(users, before, entry);
    }
    return order;
  }

  #conflict(users: VersionUsers, a: number, b: number): AppError {
    const { type, rule } = splitLabel(this.label);
    const [one, other] = [a, b].map((entry) => JSON.stringify(users.id(this.#users[entry]!)));
    return new AppError(
      'invalid_data',
      `the users ${one} and ${other} have the same identifier of type ${type} and rule ${rule}: an identifier can name ` +
        'only one user',
    );
  }
}
