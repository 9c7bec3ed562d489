/** Sends the ids of a file in growing pieces, so that the first response arrives soon and large files are sent fast. */
import { ApiError } from '../api/errors.ts';
import { patiently } from '../api/patiently.ts';
import type { UserSet } from '../api/types.ts';
import type { IdentifierMatch } from './identifiers.ts';
import type { Layout, SeedColumns } from './read/layout.ts';
import { readIds } from './read/read-ids.ts';
import type { ListedUser } from './read/sample.ts';
import { UnreadableError } from './read/unreadable.ts';

type Hint = NonNullable<UserSet['sent']>['hints'][number];

/** The service's counts for a list, with hints about probable faults. */
export interface Report {
  readonly received: number;
  readonly known: number;
  readonly unknown: number;
  readonly duplicate: number;
  /** Number of people who are not in the population but were sent with features. */
  readonly outside: number;
  /** How the identifiers of the list match, by type and rule; none in a dry run. */
  readonly identifiers: readonly IdentifierMatch[];
  readonly examples: readonly string[];
  readonly hints: readonly Hint[];
  /** Number of rows without an id. */
  readonly empty: number;
}

type Counts = Pick<UserSet, 'received' | 'known' | 'unknown' | 'outside' | 'duplicate' | 'identifiers'>;

/** The service's response to a piece. */
export interface SentPiece extends Counts {
  readonly sent?: Omit<NonNullable<UserSet['sent']>, 'known_percent'>;
  readonly dry_run?: true;
}

/** Sends a piece of NDJSON strings. The first piece replaces the previous list. */
export type Send = (lines: string, isFirst: boolean) => Promise<SentPiece>;

interface Following {
  /**
   * Stops sending between two pieces, because the service may process the current piece even if the request is aborted.
   */
  readonly signal: AbortSignal;
  readonly onUser: (user: ListedUser) => void;
  /** The columns of weights and features to send with the ids; none by default. */
  readonly columns?: SeedColumns | undefined;
  /** Reports progress. `share` is the sent share of the file. */
  readonly onSent: (share: number, report: Report) => void;
}

const COUNTS = ['received', 'known', 'unknown', 'duplicate', 'outside'] as const;
const NOTHING_SENT: Report = {
  ...{ received: 0, known: 0, unknown: 0, duplicate: 0, outside: 0 },
  ...{ identifiers: [], examples: [], hints: [], empty: 0 },
};

const FIRST_CHARACTERS = 48 * 1024;
const MOST_CHARACTERS = 4 * 1024 * 1024;
/** @throws UnreadableError, ApiError, OfflineError */
export async function sendIds(file: Blob, layout: Layout, send: Send, following: Following): Promise<Report> {
  const { signal, onUser, onSent, columns } = following;
  let report = NOTHING_SENT;
  let pending: string[] = [];
  let lines = '';
  let limit = FIRST_CHARACTERS;
  let isFirst = true;
  const flush = async (bytesRead: number) => {
    const ids = pending;
    const body = lines;
    [pending, lines] = [[], ''];
    const set = await patiently(() => send(body, isFirst), signal).catch((error: unknown) => {
      throw withId(error, ids);
    });
    signal.throwIfAborted();
    report = added(report, set);
    isFirst = false;
    limit = Math.min(MOST_CHARACTERS, 2 * limit);
    onSent(file.size === 0 ? 1 : bytesRead / file.size, report);
  };
  for await (const { ids, weights, features, empty, bytesRead } of readIds(file, layout, columns)) {
    signal.throwIfAborted();
    report = { ...report, empty: report.empty + empty };
    for (const [i, id] of ids.entries()) {
      const user = userOf(id, weights[i]!, features[i]!);
      onUser(user);
      pending.push(id);
      lines += `${JSON.stringify(user)}\n`;
      if (lines.length >= limit) await flush(bytesRead);
    }
  }
  if (pending.length > 0) await flush(file.size);
  if (isFirst) throw new UnreadableError('The list has no IDs in this column. Is this the right column?');
  return report;
}

/** A user of a line. The service refuses weights that are not numbers and features that are not objects. */
function userOf(id: string, weight: string, features: string): ListedUser {
  if (weight === '' && features === '') return id;
  const number = Number(weight);
  return {
    user_id: id,
    ...(weight !== '' && { weight: Number.isFinite(number) ? number : weight }),
    ...(features !== '' && { features: parsed(features) }),
  } as ListedUser;
}

function parsed(features: string): unknown {
  try {
    return JSON.parse(features);
  } catch {
    return features;
  }
}

/** In a dry run, the service counts each piece separately; otherwise its counts cover all pieces so far. */
function added(before: Report, { sent, dry_run: isDry, ...set }: SentPiece): Report {
  const count = (key: (typeof COUNTS)[number]) => (isDry ? before[key] + (sent?.[key] ?? 0) : (set[key] ?? 0));
  const counts = Object.fromEntries(COUNTS.map((key) => [key, count(key)])) as Record<(typeof COUNTS)[number], number>;
  const hints = new Map(before.hints.map((hint) => [hint.found, hint]));
  for (const hint of sent?.hints ?? []) {
    const same = hints.get(hint.found);
    hints.set(hint.found, same ? { ...same, users: same.users + hint.users } : hint);
  }
  const examples = before.examples.length > 0 ? before.examples : (sent?.unknown_examples ?? []);
  const identifiers = isDry ? [] : (set.identifiers ?? []);
  return { ...counts, identifiers, examples, hints: [...hints.values()], empty: before.empty };
}

/** Replaces the line number in an error, which is relative to the piece, with the id. */
function withId(error: unknown, ids: readonly string[]): unknown {
  if (!(error instanceof ApiError)) return error;
  const [, line] = /^line (\d+)$/.exec(error.faults[0]?.pointer ?? '') ?? [];
  const id = line === undefined ? undefined : ids[Number(line) - 1];
  if (id === undefined) return error;
  const { message } = error.faults[0]!;
  const shown = `"${id.slice(0, 60)}"`;
  if (message.startsWith('the value contains an e-mail address'))
    return new UnreadableError(`${shown} contains an e-mail address, but your population has other user IDs. ${OTHER}`);
  for (const [pattern, what] of [
    [/^a weight/, 'weight'],
    [/^the (?!value)/, 'features'],
  ] as const)
    if (pattern.test(message)) return new UnreadableError(`The ${what} of ${shown} cannot be used: ${message}.`);
  return new UnreadableError(`${shown} is not an ID: ${message}. Is this the right column?`);
}

const OTHER =
  'Choose another column; or choose e-mail addresses as the kind of IDs, if your population has them as identifiers.';
