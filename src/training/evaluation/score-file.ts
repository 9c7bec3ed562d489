/** Scores of an external model for the test campaigns, read from a CSV file and measured as a separate method. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { DECIMAL, readCsvTable } from '../../dataset/csv-table.ts';
import { lineError } from '../../dataset/lines.ts';
import { AppError } from '../../lib/errors.ts';
import type { Trial } from '../choices/trial.ts';
import type { History, UserFinder } from '../history/history.ts';
import { CURVE_SHARES } from './curves.ts';
import type { Method } from './methods.ts';
import { measureRanking } from './metrics.ts';

const SCORE_COLUMNS = ['campaign_id', 'user_id', 'score'];
const SCORE_FILE = /\.csv(\.gz|\.zst)?$/i;
const SHOWN_CHARACTERS = 100;

/** Whether `path` is a score file rather than a model folder. */
export function isScoreFile(path: string): boolean {
  return SCORE_FILE.test(path) && !statSync(path, { throwIfNoEntry: false })?.isDirectory();
}

/**
 * Reads each of `paths` (columns campaign_id, user_id, score; a higher score means more similar) into a method named
 * after the file without its extension. Scores that no row needs (other campaigns of the data set, users without eval
 * rows in the campaign) are ignored. Memory is 12 bytes per eval row. All repeats of such a method are equal. Errors:
 * `invalid_argument` if a name is one of `taken` or repeated; `invalid_data` naming file:line for an unknown campaign
 * or user, a second score for a row or a score that is not a finite number, and naming the campaigns whose eval rows
 * lack scores.
 */
export async function scoreMethods(
  paths: readonly string[],
  history: History,
  directory: UserFinder,
  trials: readonly Trial[],
  taken: ReadonlySet<string>,
): Promise<Method[]> {
  const names = new Set(taken);
  const methods: Method[] = [];
  for (const path of paths) {
    const name = basename(path).replace(SCORE_FILE, '');
    if (name === '' || names.has(name)) {
      const why =
        name === ''
          ? 'has no name before its extension'
          : `would be measured as ${JSON.stringify(name)}, the name of another method`;
      throw new AppError('invalid_argument', `${path} ${why}: rename the file`);
    }
    names.add(name);
    const scores = await readScores(path, history, directory, trials);
    methods.push({
      name,
      run: async (tried, { repeats }) => ({
        qualities: tried.map((trial) => {
          const { users, labels } = trial.evaluation;
          const quality = measureRanking(users, scores.get(trial.id)!.of(users), labels, CURVE_SHARES);
          return { trial, repeats: Array.from({ length: repeats }, () => quality) };
        }),
      }),
    });
  }
  return methods;
}

async function readScores(
  path: string,
  history: History,
  directory: UserFinder,
  trials: readonly Trial[],
): Promise<ReadonlyMap<string, CampaignScores>> {
  const scores = new Map(trials.map((trial) => [trial.id, new CampaignScores(trial)]));
  const known = new Set([...history.campaigns, ...history.skipped].map(({ id }) => id));
  await readCsvTable(path, SCORE_COLUMNS, (fields, line) => {
    const [campaign, userId, text] = fields as [string, string, string];
    if (!known.has(campaign))
      throw lineError(path, line, `campaign ${shown(campaign)} is not in campaigns.ndjson`, { value: campaign });
    const user = directory.find(userId);
    if (user < 0) throw lineError(path, line, `user ${shown(userId)} is not in users.ndjson`, { value: userId });
    const score = DECIMAL.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(score))
      throw lineError(path, line, `the score is ${shown(text)}; a finite number is expected`, { value: text });
    if (scores.get(campaign)?.add(user, score) === false)
      throw lineError(path, line, `user ${shown(userId)} already has a score for campaign ${shown(campaign)}`);
  });
  const lacking = [...scores].filter(([, { missing }]) => missing > 0);
  if (lacking.length > 0) {
    const [campaign, { missing, size }] = lacking[0]!;
    const more = lacking.length > 1 ? `, and so do ${lacking.length - 1} other test campaigns` : '';
    throw new AppError(
      'invalid_data',
      `${path}: campaign ${shown(campaign)} lacks the scores of ${missing} of ${size} users${more}: ` +
        'every eval row of every test campaign needs a score',
      {
        details: lacking.map(([id, one]) => ({
          pointer: path,
          message: `campaign ${shown(id)} lacks ${one.missing} of ${one.size} scores`,
          value: id,
        })),
      },
    );
  }
  return scores;
}

/** The scores of the eval users of one campaign. */
class CampaignScores {
  /** Each once, ascending. */
  readonly #users: Int32Array;
  /** Scores; NaN means not read yet. */
  readonly #scores: Float64Array;
  #missing: number;

  constructor({ evaluation }: Trial) {
    this.#users = Int32Array.from(new Set(evaluation.users)).sort();
    this.#scores = new Float64Array(this.#users.length).fill(Number.NaN);
    this.#missing = this.#users.length;
  }

  get size(): number {
    return this.#users.length;
  }

  get missing(): number {
    return this.#missing;
  }

  /** Returns false if the user already has a score. A user without an eval row is ignored. */
  add(user: number, score: number): boolean {
    const place = this.#find(user);
    if (place < 0) return true;
    if (!Number.isNaN(this.#scores[place])) return false;
    this.#scores[place] = score;
    this.#missing--;
    return true;
  }

  of(users: Int32Array): Float64Array {
    return Float64Array.from(users, (user) => this.#scores[this.#find(user)]!);
  }

  #find(user: number): number {
    let [low, high] = [0, this.#users.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.#users[middle] === user) return middle;
      if (this.#users[middle]! < user) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN_CHARACTERS));
}
