/**
 * The versions and files of a mirror that are in use. Each process of the host lists what it uses in its own file, and
 * holds a lock on it. When the process dies, the kernel releases the lock, and the list no longer counts.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { listFolder, withStorage } from '../../lib/files/durable-files.ts';
import { tryFileLock } from '../../lib/files/file-lock.ts';

export const HOLDERS_FOLDER = 'holders';
const LOCK_SUFFIX = '.lock';

export class MirrorHolders {
  readonly #folder: string;
  readonly #id = randomUUID();
  readonly #release: () => void;
  /** How often each name is held. */
  readonly #held = new Map<string, number>();

  /** @throws AppError storage_failed */
  constructor(mirror: string) {
    this.#folder = join(mirror, HOLDERS_FOLDER);
    withStorage(`write ${this.#folder}`, () => mkdirSync(this.#folder, { recursive: true }));
    const release = tryFileLock(this.#pathOf(LOCK_SUFFIX));
    if (release === null) throw new AppError('storage_failed', `${this.#pathOf(LOCK_SUFFIX)} cannot be locked`);
    this.#release = release;
  }

  /** Holds versions or files, whose names are relative to the mirror, until the returned function is called. */
  hold(names: readonly string[]): () => void {
    for (const name of names) this.#held.set(name, (this.#held.get(name) ?? 0) + 1);
    this.#write();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const name of names) {
        const count = this.#held.get(name)! - 1;
        if (count === 0) this.#held.delete(name);
        else this.#held.set(name, count);
      }
      this.#write();
    };
  }

  /** All names held by running processes. Also removes the lists of dead processes. */
  held(): ReadonlySet<string> {
    const held = new Set(this.#held.keys());
    for (const name of listFolder(this.#folder)) {
      if (!name.endsWith(LOCK_SUFFIX) || name === this.#id + LOCK_SUFFIX) continue;
      const path = join(this.#folder, name);
      const listed = path.slice(0, -LOCK_SUFFIX.length);
      const release = tryFileLock(path);
      if (release === null) for (const one of readNames(listed)) held.add(one);
      else {
        rmSync(listed, { force: true });
        rmSync(path, { force: true });
        release();
      }
    }
    return held;
  }

  close(): void {
    rmSync(this.#pathOf(''), { force: true });
    rmSync(this.#pathOf(LOCK_SUFFIX), { force: true });
    this.#release();
  }

  #write(): void {
    const path = this.#pathOf('');
    withStorage(`write ${path}`, () => {
      writeFileSync(`${path}.tmp`, JSON.stringify([...this.#held.keys()]));
      renameSync(`${path}.tmp`, path);
    });
  }

  #pathOf(suffix: string): string {
    return join(this.#folder, this.#id + suffix);
  }
}

/** The names in a holder's file. A process that has just started has no file yet. */
function readNames(path: string): readonly string[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as string[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
