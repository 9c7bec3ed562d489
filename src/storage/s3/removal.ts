/**
 * Removes objects. In a versioned bucket, all versions and delete markers of an object are removed, because a delete
 * alone would keep its bytes.
 */

import { dirname } from 'node:path/posix';
import {
  type _Error as DeleteError,
  DeleteObjectsCommand,
  GetBucketReplicationCommand,
  GetBucketVersioningCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { AppError } from '../../lib/errors.ts';
import type { ObjectStorage } from './client.ts';
import { isTemporary } from './faults.ts';
import { commonBeginning, isBelow, partsOf } from './keys.ts';

/** Deleted data that the rules of a bucket may keep; `unknown` if these credentials may not read a rule. */
export interface BucketRules {
  readonly versioning: 'off' | 'on' | 'suspended' | 'unknown';
  /** The default retention of new objects; null if objects cannot be locked. */
  readonly objectLock: string | null;
  /** Whether objects are copied to other buckets, where this service deletes nothing. */
  readonly replication: 'off' | 'on' | 'unknown';
}

/** Versions that the rules of the bucket kept. They cannot be read by the name of their object any more. */
export interface KeptVersions {
  readonly keys: readonly string[];
  /** null if these credentials may not list versions. */
  readonly versions: number | null;
  /** Why the first of them was kept, if the storage reports it: a legal hold, or a retention period and its end. */
  readonly reason: string;
}

/** An object, or one of its versions or delete markers. */
export interface RemovableEntry {
  readonly key: string;
  readonly modified: number;
  readonly etag: string;
  readonly isLatest: boolean;
  readonly versionId?: string;
}

/** Maximum number of objects that S3 deletes in one call. */
const MOST_DELETED = 1_000;
/** How long the versioning of a bucket is remembered. */
const VERSIONING_MS = 60_000;

export class Removal {
  readonly #storage: ObjectStorage;
  readonly #now: () => number;
  readonly #onKept: (kept: KeptVersions) => void;
  #versioning: { readonly value: BucketRules['versioning']; readonly until: number } | null = null;
  /** Whether versions can be listed, in a bucket whose versioning is unknown. */
  #isListable: { readonly value: boolean; readonly until: number } | null = null;

  /** `onKept` is called when the rules of the bucket keep versions of removed objects. */
  constructor(storage: ObjectStorage, now: () => number, onKept: (kept: KeptVersions) => void) {
    this.#storage = storage;
    this.#now = now;
    this.#onKept = onKept;
  }

  /** Removes the objects below `prefix` that `isRemoved` chooses. Returns their number. */
  async removeAll(prefix: string, isRemoved: (entry: RemovableEntry) => boolean): Promise<number> {
    const chosen: RemovableEntry[] = [];
    const has = await this.#hasVersions();
    for await (const page of has === 'yes' ? this.#versions(prefix) : this.#objects(prefix))
      for (const entry of page) if (isRemoved(entry)) chosen.push(entry);
    // the latest version goes last: otherwise the one before it would become the latest
    await this.#deleteEntries(chosen.filter(({ isLatest }) => !isLatest));
    await this.#deleteEntries(chosen.filter(({ isLatest }) => isLatest));
    if (has === 'unknown' && chosen.length > 0) this.#reportUnknown(chosen.map(({ key }) => key));
    return chosen.length;
  }

  /** Removes folders of blobs, named without the prefix, with everything below them. */
  async removeFolders(folders: ReadonlySet<string>): Promise<void> {
    const { prefix } = this.#storage;
    // folders with the same parent are listed together
    for (const paths of Map.groupBy(folders, (path) => dirname(path)).values())
      await this.removeAll(`${prefix}${commonBeginning(paths)}`, ({ key }) =>
        isBelow(folders, partsOf(prefix, key).folder),
      );
  }

  /**
   * Removes one object, if it exists. With an ETag, keeps a newer object with this key, because another writer has just
   * put it.
   */
  async remove(key: string, ifTag?: string): Promise<void> {
    const has = await this.#hasVersions();
    if (has !== 'yes') {
      await this.#storage.delete(key, ifTag);
      if (has === 'unknown') this.#reportUnknown([key]);
      return;
    }
    await this.removeAll(key, (entry) => {
      const isOfOther = ifTag !== undefined && entry.isLatest && entry.etag !== ifTag;
      return entry.key === key && !isOfOther;
    });
  }

  /** The rules of the bucket, as far as these credentials may read them. */
  async rules(): Promise<BucketRules> {
    const Bucket = this.#storage.bucket;
    const versioning = await this.#findVersioning();
    const objectLock = await this.#ask('ObjectLockConfigurationNotFoundError', async (s3) => {
      const answer = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
      const { Mode, Days, Years } = answer.ObjectLockConfiguration?.Rule?.DefaultRetention ?? {};
      if (Mode === undefined) return 'on, without a default retention';
      return `${Mode}, ${Years === undefined ? `${Days} days` : `${Years} years`}`;
    });
    const replication = await this.#ask('ReplicationConfigurationNotFoundError', async (s3) => {
      const answer = await s3.send(new GetBucketReplicationCommand({ Bucket }));
      return answer.ReplicationConfiguration?.Rules?.some(({ Status }) => Status === 'Enabled') ? 'on' : 'off';
    });
    return { versioning, objectLock, replication: replication ?? 'off' };
  }

  /** Returns `unknown` if access is denied, and null if the error is `none`. */
  async #ask<T>(none: string, ask: (s3: S3Client) => Promise<T>): Promise<T | 'unknown' | null> {
    return await this.#storage.run('read the rules of the bucket', async (s3) => {
      try {
        return await ask(s3);
      } catch (error) {
        if (isTemporary(error)) throw error;
        return (error as Error).name === none ? null : 'unknown';
      }
    });
  }

  /** Whether objects may have versions. If the settings of the bucket are not readable, tries to list versions. */
  async #hasVersions(): Promise<'yes' | 'no' | 'unknown'> {
    const value = await this.#findVersioning();
    if (value !== 'unknown') return value === 'off' ? 'no' : 'yes';
    if (this.#isListable === null || this.#now() >= this.#isListable.until) {
      const input = { Bucket: this.#storage.bucket, Prefix: this.#storage.prefix, MaxKeys: 1 };
      const answer = await this.#ask('NotImplemented', (s3) => s3.send(new ListObjectVersionsCommand(input)));
      this.#isListable = { value: answer !== null && answer !== 'unknown', until: this.#now() + VERSIONING_MS };
    }
    return this.#isListable.value ? 'yes' : 'unknown';
  }

  #reportUnknown(keys: readonly string[]): void {
    this.#onKept({ keys, versions: null, reason: 'these credentials may not read whether the bucket has versions' });
  }

  async #findVersioning(): Promise<BucketRules['versioning']> {
    if (this.#versioning !== null && this.#now() < this.#versioning.until) return this.#versioning.value;
    const value = await this.#ask('NotImplemented', async (s3) => {
      const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket: this.#storage.bucket }));
      if (Status === 'Enabled') return 'on';
      return Status === 'Suspended' ? 'suspended' : 'off';
    });
    this.#versioning = { value: value ?? 'off', until: this.#now() + VERSIONING_MS };
    return this.#versioning.value;
  }

  async *#objects(prefix: string): AsyncGenerator<readonly RemovableEntry[]> {
    for await (const page of this.#storage.list(prefix)) yield page.map((entry) => ({ ...entry, isLatest: true }));
  }

  async *#versions(prefix: string): AsyncGenerator<readonly RemovableEntry[]> {
    let markers: { readonly KeyMarker?: string | undefined; readonly VersionIdMarker?: string | undefined } | null = {};
    while (markers !== null) {
      const command: ListObjectVersionsCommand = new ListObjectVersionsCommand({
        ...{ Bucket: this.#storage.bucket, Prefix: prefix },
        ...markers,
      });
      const page = await this.#storage.run(`list the versions of ${prefix}`, (s3) => s3.send(command));
      const { Versions = [], DeleteMarkers = [] } = page;
      yield [...Versions, ...DeleteMarkers.map((marker) => ({ ...marker, ETag: '' }))].map((version) => ({
        ...{ key: version.Key!, versionId: version.VersionId ?? 'null', etag: version.ETag ?? '' },
        ...{ isLatest: version.IsLatest ?? true, modified: version.LastModified?.getTime() ?? 0 },
      }));
      markers = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
    }
  }

  async #deleteEntries(entries: readonly RemovableEntry[]): Promise<void> {
    const refused: DeleteError[] = [];
    for (let i = 0; i < entries.length; i += MOST_DELETED) {
      const Objects = entries
        .slice(i, i + MOST_DELETED)
        .map(({ key, versionId }) => ({ Key: key, ...(versionId !== undefined && { VersionId: versionId }) }));
      const command = new DeleteObjectsCommand({ Bucket: this.#storage.bucket, Delete: { Objects, Quiet: true } });
      const { Errors = [] } = await this.#storage.run('remove objects', async (s3) => {
        const answer = await s3.send(command);
        const busy = answer.Errors?.find(({ Code }) => isTemporary({ name: Code }));
        if (busy) throw Object.assign(new Error(busy.Message), { name: busy.Code });
        return answer;
      });
      refused.push(...Errors);
    }
    if (refused.length > 0) await this.#keep(entries, refused);
  }

  /** Hides objects that the rules of the bucket keep, and reports them. Other refusals are errors. */
  async #keep(entries: readonly RemovableEntry[], refused: readonly DeleteError[]): Promise<void> {
    const keys = new Set(refused.map(({ Key }) => Key));
    // some servers do not say which version of a key they refuse
    const versions = new Set(refused.map(({ Key, VersionId }) => `${Key} ${VersionId}`));
    const isRefused = ({ key, versionId }: RemovableEntry) =>
      versions.has(`${key} ${versionId}`) || versions.has(`${key} ${undefined}`);
    const kept = entries.filter((entry) => entry.versionId !== undefined && isRefused(entry));
    const other = refused.find(({ Code }) => Code !== 'AccessDenied') ?? (kept.length === 0 ? refused[0] : undefined);
    if (other !== undefined) {
      const message = `cannot remove ${other.Key}: object storage answered ${other.Code}: ${other.Message}`;
      throw new AppError('storage_failed', message, { facts: { errno: 'EACCES' } });
    }
    // without a version, a delete adds a marker, which no rule forbids
    for (const key of keys) await this.#storage.delete(key!);
    const [first] = kept;
    const reason = (await this.#reasonOf(first!.key, first!.versionId!)) ?? refused[0]!.Message ?? 'access denied';
    this.#onKept({ keys: kept.map(({ key }) => key), versions: kept.length, reason });
  }

  async #reasonOf(Key: string, VersionId: string): Promise<string | null> {
    const input = { Bucket: this.#storage.bucket, Key, VersionId };
    try {
      const { LegalHold } = await this.#storage.run(`read the legal hold of ${Key}`, (s3) =>
        s3.send(new GetObjectLegalHoldCommand(input)),
      );
      if (LegalHold?.Status === 'ON') return 'a legal hold';
      const { Retention } = await this.#storage.run(`read the retention of ${Key}`, (s3) =>
        s3.send(new GetObjectRetentionCommand(input)),
      );
      const { Mode, RetainUntilDate } = Retention ?? {};
      return Mode === undefined ? null : `a retention (${Mode}) until ${RetainUntilDate?.toISOString()}`;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return null;
    }
  }
}
