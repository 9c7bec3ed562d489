/**
 * The mark `store-<generation>.json` of a data folder names the database that made the contents of the folder, and its
 * generation. The id of a database never changes. The generation changes when a backup is restored, when a service
 * starts or stops, and when old files are removed. So an earlier state of the same database, which does not know about
 * later files, has a different generation. The generation is part of the file name, so if an earlier folder is copied
 * over this folder, there are two marks, and neither is valid.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { createFolder, listFolder, replaceDurably, syncFolder, withStorage } from '../../../lib/files/durable-files.ts';
import { type Connection, truncateLog, write } from './database.ts';

const MARK_FILE = /^store-[0-9a-f-]{32,36}\.json(\.tmp)?$/;
const CONTRACT = 1;
/** Number of attempts to read the marks, because the generation may change during a read. */
const LOOKS = 3;

const markSchema = z.strictObject({
  contract: z.literal(CONTRACT),
  database: z.string().min(1),
  generation: z.string().min(1),
  /** The previous generation while a change is in progress; null afterwards. */
  before: z.string().min(1).nullable(),
});

type Mark = z.output<typeof markSchema>;

interface Identity {
  readonly database: string;
  readonly generation: string;
}

/** The names of a folder's marks, including an unfinished mark; empty for a new folder. */
export function listMarks(folder: string): string[] {
  return withStorage(`list ${folder}`, () => listFolder(folder).filter((name) => MARK_FILE.test(name)));
}

/** Whether the contents of the folder were made by this generation of the database. */
export function isOwn(database: Connection, folder: string): boolean {
  for (let look = 0; look < LOOKS; look++) {
    const identity = identityOf(database);
    const marks = listMarks(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => readMark(join(folder, name)));
    if (fits(marks, identity)) return true;
  }
  return false;
}

/** Whether all marks belong to this generation, or to an interrupted change to or from this generation. */
function fits(marks: readonly (Mark | null)[], { database, generation }: Identity): boolean {
  const [one, other] = marks;
  if (marks.length > 2 || !one || other === null || marks.some((mark) => mark?.database !== database)) return false;
  if (other === undefined) return one.generation === generation;
  const isChange = one.before === other.generation || other.before === one.generation;
  return isChange && (one.generation === generation || other.generation === generation);
}

/**
 * Makes this database the owner of the folder, whatever marks the folder has.
 * @throws AppError storage_failed, unavailable
 */
export function takeFolder(database: Connection, folder: string): void {
  markFolder(database, folder);
  renewGeneration(database, folder);
}

/**
 * Begins a new generation, in the database and in the folder.
 * @throws AppError storage_failed, unavailable
 */
export function renewGeneration(database: Connection, folder: string): void {
  const { database: id, generation } = identityOf(database);
  const next = randomUUID();
  // an earlier change may have been interrupted
  if (listMarks(folder).length > 1) markFolder(database, folder);
  writeMark(folder, { database: id, generation: next, before: generation });
  write(database, () => setGeneration(database, next));
  // after the checkpoint, the database file alone, without its log, contains this generation
  truncateLog(database);
  markFolder(database, folder);
}

/** Gives a copy of a database a new generation, different from the original's. */
export function renewCopy(copy: Connection): void {
  write(copy, () => setGeneration(copy, randomUUID()));
}

/**
 * Writes the mark of this database, and removes all other marks.
 * @throws AppError storage_failed
 */
export function markFolder(database: Connection, folder: string): void {
  const { generation, ...identity } = identityOf(database);
  for (const name of listMarks(folder))
    if (name !== nameOf(generation)) withStorage(`remove ${name}`, () => rmSync(join(folder, name), { force: true }));
  withStorage(`write into ${folder}`, () => syncFolder(folder));
  writeMark(folder, { ...identity, generation, before: null });
}

function identityOf(database: Connection): Identity {
  return database.prepare('SELECT database_id AS database, generation FROM installation').get() as Identity;
}

function setGeneration(database: Connection, generation: string): void {
  database.prepare('UPDATE installation SET generation = @generation').run({ generation });
}

/** The contents of a mark; null for an unreadable mark, which belongs to no database. */
function readMark(path: string): Mark | null {
  try {
    return markSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}

function writeMark(folder: string, mark: Omit<Mark, 'contract'>): void {
  const path = join(folder, nameOf(mark.generation));
  const bytes = Buffer.from(`${JSON.stringify({ contract: CONTRACT, ...mark })}\n`);
  withStorage(`write ${path}`, () => replaceDurably(path, bytes, `${path}.tmp`));
}

function nameOf(generation: string): string {
  return `store-${generation}.json`;
}

const SET_ASIDE = 'set-aside';

/**
 * Moves files and folders (relative to the data folder) into a new folder that is named after the current time, and
 * keeps their paths there. Returns the new folder, relative to the data folder; null if none of the files exists.
 * @throws AppError storage_failed
 */
export function setAside(dataDir: string, paths: readonly string[], now: number): string | null {
  const found = paths.filter((path) => existsSync(join(dataDir, path)));
  if (found.length === 0) return null;
  return withStorage(`set ${found[0]} of ${dataDir} aside`, () => {
    const folder = freeName(dataDir, now);
    const touched = new Set<string>();
    for (const path of found) {
      const target = join(dataDir, folder, path);
      createFolder(dirname(target));
      renameSync(join(dataDir, path), target);
      touched.add(dirname(target)).add(dirname(join(dataDir, path)));
    }
    for (const each of touched) syncFolder(each);
    return folder;
  });
}

/**
 * Removes files and folders (relative to the data folder) that no row refers to. If another database created the
 * contents of the folder, they are set aside instead, and their new folder, relative to the data folder, is returned.
 * @throws AppError storage_failed
 */
export function discardFiles(
  database: Connection,
  dataDir: string,
  paths: readonly string[],
  now: number,
): string | null {
  if (paths.length === 0) return null;
  if (!isOwn(database, dataDir)) return setAside(dataDir, paths, now);
  for (const path of paths)
    withStorage(`remove ${path}`, () => rmSync(join(dataDir, path), { recursive: true, force: true }));
  return null;
}

/** The folders of files that were set aside, relative to the data folder. */
export function listSetAside(dataDir: string): string[] {
  return withStorage(`list ${dataDir}`, () =>
    listFolder(join(dataDir, SET_ASIDE))
      .sort()
      .map((name) => `${SET_ASIDE}/${name}`),
  );
}

function freeName(dataDir: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[:.]/g, '-');
  for (let i = 0; ; i++) {
    const name = `${SET_ASIDE}/${time}${i === 0 ? '' : `-${i}`}`;
    if (!existsSync(join(dataDir, name))) return name;
  }
}
