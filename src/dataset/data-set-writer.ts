/** Writes data set folders with users, campaigns and interactions, in the format of docs/data-set.md. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { type Rng, sample } from '../lib/rng.ts';
import { quoteCsv } from '../lib/text/csv.ts';

/** One campaign of a data set. */
export interface WrittenCampaign {
  /** The campaign's line of campaigns.ndjson. */
  readonly record: object;
  /** The campaign's lines of interactions.csv, with line endings. */
  readonly rows: Iterable<string>;
}

/**
 * The contents of a data set. They are read once, in this order: users, campaigns (each with its rows), description.
 */
export interface WrittenDataSet {
  readonly description: object;
  /** Lines of users.ndjson, as records or as text made of whole lines; null if the file already exists. */
  readonly users: Iterable<object> | AsyncIterable<string> | null;
  readonly campaigns: Iterable<WrittenCampaign>;
  /** Whether each row of interactions.csv ends with a time, which may be empty. */
  readonly hasTimes?: boolean;
}

/** Number of non-members per member in a train campaign. */
const NEGATIVES_PER_MEMBER = 10;
const CHUNK_BYTES = 1 << 18;

/**
 * Writes users.ndjson, interactions.csv, campaigns.ndjson and, last, dataset.json, one line at a time. The folder is
 * created if it does not exist; existing files are replaced.
 * @throws AppError storage_failed if the folder cannot be written
 */
export async function writeDataSet(
  out: string,
  { description, users, campaigns, hasTimes = false }: WrittenDataSet,
): Promise<void> {
  const records: string[] = [];
  function* interactions(): Generator<string> {
    yield `campaign_id,user_id,label,stage${hasTimes ? ',time' : ''}\n`;
    for (const { record, rows } of campaigns) {
      records.push(`${JSON.stringify(record)}\n`);
      yield* rows;
    }
  }
  function* lines(from: Iterable<object>): Generator<string> {
    for (const user of from) yield `${JSON.stringify(user)}\n`;
  }
  try {
    await mkdir(out, { recursive: true });
    const usersFile = join(out, 'users.ndjson');
    if (users) await writeChunks(usersFile, Symbol.iterator in users ? joinPieces(lines(users)) : users);
    await writeChunks(join(out, 'interactions.csv'), joinPieces(interactions()));
    await writeChunks(join(out, 'campaigns.ndjson'), joinPieces(records));
    await writeChunks(join(out, 'dataset.json'), [`${JSON.stringify(description, null, 1)}\n`]);
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new AppError('storage_failed', `cannot write the data set ${out}`, { cause });
  }
}

/** The members of a campaign, as indices of users. */
export interface Membership {
  readonly id: string;
  readonly isMember: Uint8Array;
  idOf(user: number): string;
}

/** Rows of a train campaign: up to `most` random members, and ten non-members per member. */
export function* trainRows(campaign: Membership, most: number, rng: Rng): Generator<string> {
  const shown = pick(usersWhere(campaign.isMember, 1), most, rng);
  for (const user of shown) yield row(campaign, user, '1,train');
  for (const user of pick(usersWhere(campaign.isMember, 0), NEGATIVES_PER_MEMBER * shown.length, rng))
    yield row(campaign, user, '0,train');
}

/** Rows of a test campaign: its seeds, and every other user as an eval row. */
export function* testRows(campaign: Membership, seeds: Int32Array): Generator<string> {
  const isSeed = new Set(seeds);
  for (const user of seeds) yield row(campaign, user, '1,seed');
  for (const [user, label] of campaign.isMember.entries())
    if (!isSeed.has(user)) yield row(campaign, user, `${label},eval`);
}

/** Draws `count` random members, but at most half of all members. Returns the drawn members in ascending order. */
export function sampleSeeds(isMember: Uint8Array, count: number, rng: Rng): Int32Array {
  const members = usersWhere(isMember, 1);
  return pick(members, Math.min(count, Math.floor(members.length / 2)), rng);
}

function row({ id, idOf }: Membership, user: number, rest: string): string {
  return `${quoteCsv(id)},${quoteCsv(idOf(user))},${rest}\n`;
}

function usersWhere(isMember: Uint8Array, wanted: 0 | 1): Int32Array {
  return Int32Array.from(isMember.keys()).filter((user) => isMember[user] === wanted);
}

/** Draws up to `count` random items, in ascending order. */
function pick(items: Int32Array, count: number, rng: Rng): Int32Array {
  return sample(rng, items, count).sort();
}

/** Writes a file chunk by chunk, so that memory does not grow with the file. */
async function writeChunks(path: string, chunks: Iterable<string> | AsyncIterable<string>): Promise<void> {
  const file = await open(path, 'w');
  try {
    for await (const chunk of chunks) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

/** Joins pieces into chunks that are large enough to write efficiently. */
function* joinPieces(pieces: Iterable<string>): Generator<string> {
  let chunk: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    chunk.push(piece);
    length += piece.length;
    if (length < CHUNK_BYTES) continue;
    yield chunk.join('');
    chunk = [];
    length = 0;
  }
  yield chunk.join('');
}
