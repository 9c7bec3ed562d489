/** Builds and publishes versions in a population folder. */
import { mkdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { storageError, withStorage, writeDurably } from '../../lib/files/durable-files.ts';
import { Erasures } from '../erase/erasures.ts';
import { redactErased } from '../import/redaction.ts';
import type { Destination, Destinations, OpenOptions, VersionDraft } from './destination.ts';
import { asFirstWriter, withErasuresLockSync } from './lock.ts';
import {
  findCurrentVersion,
  INCOMING_FOLDER,
  type Manifest,
  READMISSION_FILE,
  readManifests,
  writeCurrent,
} from './manifest.ts';
import { makeVisible, type Publication, stage } from './publication.ts';
import { findNewestVersion, recordPublished } from './version-order.ts';

/** Maximum number of attempts to stage a version while erasures may run; during the last attempt, erasures wait. */
const STAGE_ATTEMPTS = 5;

interface Staged {
  readonly publication: Publication;
  /** Whether a new version was published; false if the same version already existed. */
  readonly isNew: boolean;
}

/**
 * Versions are published in this folder, which is created if it does not exist. Errors of `open`: those of `action`,
 * and AppError `unavailable` (another writer is running), `storage_failed`, `invalid_population`.
 */
export function inFolder(out: string): Destinations {
  return {
    open: (options, action) =>
      asFirstWriter(out, async () => {
        try {
          return await action(new FolderDestination(out, options));
        } finally {
          rmSync(join(out, INCOMING_FOLDER), { recursive: true, force: true });
        }
      }),
  };
}

class FolderDestination implements Destination {
  readonly name: string;
  readonly folder: string;
  readonly scratch: string;
  readonly manifests: readonly Manifest[];
  readonly newest: string | null;
  readonly current: string | null;
  readonly erasures: Erasures;
  readonly #incoming: string;

  constructor(folder: string, { readmitErased }: OpenOptions) {
    this.name = folder;
    this.folder = folder;
    this.#incoming = join(folder, INCOMING_FOLDER);
    this.scratch = join(this.#incoming, 'scratch');
    withStorage(`write ${this.#incoming}`, () => {
      rmSync(this.#incoming, { recursive: true, force: true });
      mkdirSync(join(this.#incoming, 'segments'), { recursive: true });
      // this file is written before erasures are read, so that users who are erased from now on are recorded again
      if (readmitErased) writeDurably(join(this.#incoming, READMISSION_FILE), new Uint8Array());
    });
    this.erasures = new Erasures(folder);
    redactErased(folder, this.erasures);
    this.manifests = readManifests(folder);
    this.newest = findNewestVersion(folder);
    this.current = findCurrentVersion(folder);
  }

  /** All files of a folder are readable. */
  async take(): Promise<void> {}

  async storeSegment(path: string, bytes: Uint8Array): Promise<void> {
    try {
      const file = await open(join(this.#incoming, path), 'wx');
      try {
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw storageError(`write ${this.#incoming}`, error);
    }
  }

  async publish(draft: VersionDraft): Promise<string> {
    return withStorage(`write ${this.folder}`, () => this.#publish(draft));
  }

  makeCurrent(version: string): void {
    writeCurrent(this.folder, version);
  }

  /**
   * Publishes the version. All data is on disk before the erasure lock is acquired, so erasures wait only for a rename.
   * If a new user is erased in the meantime, the version is staged again, because the user's id must not be written.
   */
  #publish(draft: VersionDraft): string {
    rmSync(this.scratch, { recursive: true, force: true });
    for (let attempt = 1; attempt < STAGE_ATTEMPTS; attempt++) {
      const staged = this.#stage(draft);
      const isPublished = withErasuresLockSync(this.folder, () => {
        if (draft.erased.hasLateUsers()) return false;
        this.#makeVisible(draft, staged);
        return true;
      });
      if (isPublished) return staged.publication.manifest.version;
    }
    return withErasuresLockSync(this.folder, () => {
      const staged = this.#stage(draft);
      this.#makeVisible(draft, staged);
      return staged.publication.manifest.version;
    });
  }

  #stage(draft: VersionDraft): Staged {
    draft.erased.redactNewUsers();
    const { rowOf, shared, directory, dictionaries } = draft;
    const manifest = draft.seal();
    const { identifiers } = draft;
    const publication = { out: this.folder, manifest, rowOf, identifiers, shared, directory, dictionaries };
    return { publication, isNew: stage(publication) };
  }

  #makeVisible({ erased }: VersionDraft, { publication, isNew }: Staged): void {
    const { version } = publication.manifest;
    if (isNew) {
      rmSync(join(this.#incoming, READMISSION_FILE), { force: true });
      makeVisible(publication);
      erased.recordNewUsers();
    }
    // the publication is recorded before the version becomes current, so that the next update builds on this version
    // even if the process is killed in between
    recordPublished(this.folder, version);
    if (findCurrentVersion(this.folder) !== version) writeCurrent(this.folder, version);
  }
}
