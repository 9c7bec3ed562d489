/**
 * Converts a log of users and the items that they took to a data set. Popular items become campaigns; other items
 * become the users' histories.
 */
import { basename, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { createRng, type Rng, sample } from '../../lib/rng.ts';
import { type WrittenCampaign, writeDataSet } from '../data-set-writer.ts';
import { checkFeatures } from '../features.ts';
import { type ChosenCampaign, chooseCampaigns } from './choose-campaigns.ts';
import { describeFeature, type FeatureColumn, type RecordValue } from './columns.ts';
import { readConditions } from './conditions.ts';
import { collectHistories } from './histories.ts';
import { type InteractionsOptions, interactionNotes, type Material } from './interactions-material.ts';
import { type Log, readLog } from './log.ts';
import { LogFeatures } from './log-features.ts';
import { MadeCounts, type MadeDataSet, type OnProgress, writeNewFolder } from './new-data-set.ts';
import { Others, rowsOf } from './rows.ts';
import { readItems, recordMembers, surveyUsers, type TableOptions, type UserTable } from './tables.ts';

/** The user feature that contains the history: the user's items that are not campaigns. */
const HISTORY = 'history';
/**
 * Limits on the rows per campaign: maximum number of members; number of non-members per member of a train campaign;
 * maximum number of non-members of a test campaign.
 */
const MOST_MEMBERS = 10_000;
const OTHERS_PER_MEMBER = 10;
const EVALUATED_OTHERS = 20_000;

/**
 * Reads the log once, the table of users twice and the table of items once, and writes the data set. Equal files,
 * options and seeds give equal bytes. Memory: see `readLog` and `collectHistories` for the log; tables are streamed.
 * Errors (AppError): `invalid_argument` if a column is missing or `out` exists, `invalid_data` naming file:line,
 * `storage_failed`; nothing is left behind.
 */
export async function makeInteractions(options: InteractionsOptions): Promise<MadeDataSet> {
  return await writeNewFolder(options.out, async (folder) => {
    const rng = createRng(`interactions/${options.seed}`);
    const material = await gather(options, rng);
    const { userTable, itemTable, ofUsers, ofItems, histories } = material;
    const userFeatures = [...(userTable?.features ?? []), ...ofUsers.features, historyFeature(options)];
    const campaignFeatures = [...(itemTable?.features ?? []), ...ofItems.features];
    checkFeatures(userFeatures, options.users?.path ?? 'features of users', 'invalid_data');
    checkFeatures(campaignFeatures, options.items?.path ?? 'features of items', 'invalid_data');
    const counts = new MadeCounts();
    let users = 0;
    async function* userChunks(): AsyncGenerator<string, void, void> {
      for await (const { text, count } of userLines(material)) {
        yield text;
        users += count;
        options.onProgress(`writing ${users} users`);
      }
    }
    await writeDataSet(folder, {
      description: {
        name: basename(resolve(options.out)),
        user_features: userFeatures.map(describeFeature),
        campaign_features: campaignFeatures.map(describeFeature),
        made: `metaheac dataset interactions, of ${basename(options.log.path)}, seed ${options.seed}`,
      },
      users: userChunks(),
      campaigns: campaignsOf(material, counts, rng, options.onProgress),
      hasTimes: material.log.times !== null,
    });
    return { ...counts, users, notes: interactionNotes(options, material, histories) };
  });
}

async function gather(options: InteractionsOptions, rng: Rng): Promise<Material> {
  const { columns, leaveOut, separator, types, onProgress } = options;
  if (options.beforeTest && columns.time === null) throw new AppError('invalid_argument', '--before-test needs --time');
  checkNames(options);
  const { dateOrder } = types;
  const open = async (names: readonly string[], option: string) =>
    await LogFeatures.open(options.log, { names, option, types, separator });
  const userFeatures = await open(options.userFeatures, '--user-features');
  const itemFeatures = await open(options.itemFeatures, '--item-features');
  const exclude = new Set([...options.excludeItems, ...options.excludeListed]);
  const conditions = await readConditions(options.where, options.log, dateOrder);
  const reading = { conditions, exclude, userFeatures, itemFeatures, dateOrder };
  const log = await readLog(options.log, columns, reading, onProgress);
  const absent = options.excludeItems.find((item) => !log.leftOut.excludedItems.has(item));
  if (absent !== undefined) {
    const message = `--exclude-items: no row of ${options.log.path} has the item ${JSON.stringify(absent)}`;
    throw new AppError('invalid_argument', `${message}${options.where.length > 0 ? ' and meets all conditions' : ''}`);
  }
  onProgress('choosing campaigns');
  const chosen = chooseCampaigns(log, options, rng);
  const before = options.beforeTest ? chosen.testStart : null;
  const isLeftOut = new Uint8Array(log.items.count);
  for (const { item } of [...chosen.campaigns, ...chosen.nearDuplicates]) isLeftOut[item] = 1;
  const histories = collectHistories(log, { isLeftOut, most: options.history, before, rng: rng.fork('histories') });
  const table = (id: string): TableOptions => ({ id, leaveOut, separator, types, onProgress });
  const wanted = new Set(chosen.campaigns.map(({ item }) => item));
  const itemTable = options.items && (await readItems(options.items, log.items, wanted, table(columns.item)));
  const inLog = log.users.count;
  const userTable = options.users && (await surveyUsers(options.users, log.users, table(columns.user)));
  const isPresent = await findPresent(log, inLog, before, userTable);
  const ofUsers = userFeatures.finish(Array(inLog).keys(), 'column of the log');
  const ofItems = itemFeatures.finish(wanted, 'column of the log');
  return { log, chosen, histories, userTable, itemTable, ofUsers, ofItems, isPresent, before };
}

/**
 * Throws AppError `invalid_argument` for column names that no table has. Otherwise, a typo in --leave-out would publish
 * a column that was meant to be left out.
 */
function checkNames({ users, items, leaveOut, types, ...options }: InteractionsOptions): void {
  const tables = [users, items].flatMap((table) => (table ? [table] : []));
  const check = (option: string, names: readonly string[], known: readonly string[], where: string) => {
    const unknown = names.find((name) => !known.includes(name));
    if (unknown === undefined) return;
    const message = `${option}: ${where} has a column ${JSON.stringify(unknown)}`;
    throw new AppError('invalid_argument', `${message}; the columns are ${known.join(', ') || 'none'}`);
  };
  const ofTables = tables.flatMap(({ columns }) => columns);
  check('--leave-out', leaveOut, ofTables, 'no table (--users, --items)');
  const features = [...ofTables, ...options.userFeatures, ...options.itemFeatures];
  const nowhere = 'no table, --user-features or --item-features';
  for (const kind of ['numbers', 'dates', 'vectors', 'words'] as const)
    check(`--${kind}`, types[kind], features, nowhere);
}

/**
 * Marks the users of the data set: all users or, with `--before-test`, only users who are in the table of users or took
 * an item before the test.
 */
async function findPresent(
  log: Log,
  inLog: number,
  before: number | null,
  table: UserTable | null,
): Promise<Uint8Array> {
  const isPresent = new Uint8Array(log.users.count).fill(1);
  if (before === null) return isPresent;
  isPresent.fill(0, 0, inLog);
  for (let i = 0; i < log.takers.length; i++) if (log.times![i]! < before) isPresent[log.takers[i]!] = 1;
  if (table)
    for await (const rows of table.source.read([table.id]))
      for (const { values } of rows) isPresent[log.users.find(String(values[0]))] = 1;
  return isPresent;
}

function historyFeature({ history }: InteractionsOptions): FeatureColumn {
  return { name: HISTORY, kind: 'multi', maxLength: history, separator: '' };
}

/** Lines of users.ndjson: first the users in the table, then users who are only in the log. */
async function* userLines({ log, histories, userTable, ofUsers, isPresent }: Material) {
  const isWritten = new Uint8Array(isPresent.length);
  const inLog = isPresent.length - (userTable?.fresh ?? 0);
  const historyOf = (user: number) =>
    user < inLog ? Array.from(histories.of(user), (item) => log.items.text(item)) : [];
  const lineOf = (user: number, members: readonly (readonly [string, RecordValue])[]) => {
    isWritten[user] = 1;
    const all = [...members, ...ofUsers.recordOf(user)];
    const record = Object.fromEntries([['user_id', log.users.text(user)], ...all, [HISTORY, historyOf(user)]]);
    return `${JSON.stringify(record)}\n`;
  };
  if (userTable) {
    const { source, id, features } = userTable;
    for await (const rows of source.read([id, ...features.map(({ name }) => name)])) {
      const lines = rows.map(({ values: [user, ...values] }) =>
        lineOf(log.users.find(String(user)), recordMembers(features, values)),
      );
      yield { text: lines.join(''), count: lines.length };
    }
  }
  const nothing = recordMembers(userTable?.features ?? [], []);
  for (let user = 0; user < inLog; ) {
    const lines: string[] = [];
    for (; user < inLog && lines.length < 2000; user++)
      if (isPresent[user] && !isWritten[user]) lines.push(lineOf(user, nothing));
    yield { text: lines.join(''), count: lines.length };
  }
}

function* campaignsOf(
  material: Material,
  counts: MadeCounts,
  rng: Rng,
  onProgress: OnProgress,
): Generator<WrittenCampaign> {
  const { log, chosen, itemTable, ofItems, isPresent } = material;
  const others = new Others(isPresent);
  for (const [i, campaign] of chosen.campaigns.entries()) {
    const { item, split, group } = campaign;
    const id = log.items.text(item);
    counts.addCampaign(split, group);
    const features = { ...itemTable?.recordOf(item), ...Object.fromEntries(ofItems.recordOf(item)) };
    const record = { campaign_id: id, ...features, split, ...(group ? { group } : {}) };
    yield { record, rows: campaignRows(id, campaign, material, { others, counts, rng: rng.fork(`campaign/${id}`) }) };
    onProgress(`writing ${i + 1} of ${chosen.campaigns.length} campaigns`);
  }
}

interface RowTools {
  readonly others: Others;
  readonly counts: MadeCounts;
  readonly rng: Rng;
}

function* campaignRows(
  id: string,
  { item, split, seeds }: ChosenCampaign,
  { log, isPresent, before }: Material,
  { others, counts, rng }: RowTools,
): Generator<string> {
  const { members, times } = membersOf(log, item, isPresent, split === 'train' ? before : null);
  if (split === 'train') {
    const shown = sample(rng, members, MOST_MEMBERS).sort();
    yield* rowsOf(id, log.users, shown, '1,train', times);
    const rest = others.draw(members, OTHERS_PER_MEMBER * shown.length, rng);
    yield* rowsOf(id, log.users, rest, '0,train', times);
    counts.rows.train += shown.length + rest.length;
    return;
  }
  // without times, members are in log order, which may be id order
  const first = log.times ? members : sample(rng, members, members.length);
  const seedCount = Math.min(seeds, Math.floor(first.length / 2));
  const seedUsers = first.slice(0, seedCount).sort();
  const hidden = sample(rng, first.slice(seedCount), MOST_MEMBERS).sort();
  yield* rowsOf(id, log.users, seedUsers, '1,seed', times);
  yield* rowsOf(id, log.users, hidden, '1,eval', times);
  const rest = others.draw(members, EVALUATED_OTHERS, rng);
  yield* rowsOf(id, log.users, rest, '0,eval', times);
  counts.rows.seed += seedUsers.length;
  counts.rows.eval += hidden.length + rest.length;
}

/**
 * The item's users who are in the data set, and the time at which each user took the item. If there are times, users
 * are ordered by time.
 */
function membersOf({ starts, takers, times }: Log, item: number, isPresent: Uint8Array, before: number | null) {
  const places = Int32Array.from({ length: starts[item + 1]! - starts[item]! }, (_, i) => starts[item]! + i).filter(
    (place) => isPresent[takers[place]!] && (before === null || times![place]! < before),
  );
  if (times) places.sort((a, b) => times[a]! - times[b]! || takers[a]! - takers[b]!);
  return {
    members: places.map((place) => takers[place]!),
    times: times && new Map(Array.from(places, (place) => [takers[place]!, times[place]!])),
  };
}
