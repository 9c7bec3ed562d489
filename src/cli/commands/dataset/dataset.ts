/** The commands `metaheac dataset ..`. */
import { type Command, Option } from 'commander';
import { ENCODINGS } from '../../../dataset/lines.ts';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import {
  collect,
  delimiter,
  existing,
  nameList,
  positiveInteger,
  seedCounts,
  share,
  wholeNumber,
} from '../../options.ts';

export function addDataSetCommands(program: Command, output: Output): void {
  const dataSet = program.command('dataset').description('data sets');
  addGenerate(dataSet, output);
  addInteractions(dataSet, output);
  addMovieLens(dataSet, output);
  addTencent(dataSet, output);
}

function addGenerate(dataSet: Command, output: Output): void {
  addExample(
    dataSet
      .command('generate')
      .description('write a synthetic data set with known tastes')
      .requiredOption('--out <dir>', 'folder to write; it must not exist')
      .option('--users <n>', 'number of people', positiveInteger, 50_000)
      .option('--train-campaigns <n>', 'number of campaigns to train on', positiveInteger, 40)
      .option('--test-campaigns <n>', 'number of campaigns to evaluate on', positiveInteger, 12)
      .option('--seed <n>', 'random seed for people and campaigns', wholeNumber, 1)
      .option(
        '--world <name>',
        'name of the world that gives tokens their meaning; data sets from the same world can use the same model',
        'demo',
      )
      .option('--labels', 'label features and campaigns for special categories: housing, employment, credit')
      .action(async (options) => (await import('./make.ts')).datasetGenerateCommand(options, output)),
    'metaheac dataset generate --out data --users 10000',
  );
}

function addInteractions(dataSet: Command, output: Output): void {
  const interactions = withFormats(
    withChoice(dataSet.command('interactions'))
      .description(
        'make a data set from a log of users and items: popular items become campaigns, and other items become user history',
      )
      .requiredOption('--in <file>', 'log file: CSV or other delimited text, or NDJSON; plain, .gz or .zst', existing)
      .requiredOption('--out <dir>', 'folder to write; it must not exist')
      .requiredOption('--user <column>', 'column of user ids, in the log and in --users')
      .requiredOption('--item <column>', 'column of item ids, in the log and in --items')
      .option(
        '--time <column>',
        'column of times (seconds or milliseconds since 1970, or dates): the newest campaigns become the test set',
      )
      .option('--items <file>', 'table of items: its columns are campaign features', existing)
      .option('--users <file>', 'table of users: its columns are user features', existing)
      .option('--leave-out <columns>', 'columns of the tables that are not features: a,b', nameList, [])
      .option(
        '--where <condition>',
        'condition that rows of the log must meet; may be repeated: "Quantity > 0", "InvoiceNo !~ ^C" (= != < <= > >= ~ !~)',
        collect,
        [],
      )
      .option('--exclude-items <items>', 'items whose rows are left out: POST,BANK CHARGES', nameList, [])
      .option(
        '--exclude-items-file <file>',
        'file of items whose rows are left out, one per line; items that are not in the log are ignored',
        existing,
      )
      .option(
        '--user-features <columns>',
        'columns of the log to use as user features; the earliest row of each user counts',
        nameList,
        [],
      )
      .option(
        '--item-features <columns>',
        'columns of the log to use as campaign features; the earliest row of each item counts',
        nameList,
        [],
      )
      .option('--numbers <columns>', 'columns that hold numbers', nameList, [])
      .option('--dates <columns>', 'columns that hold dates', nameList, [])
      .option('--vectors <columns>', 'columns that hold vectors: [0.1, 0.2], or split by --separator', nameList, [])
      .option('--words <columns>', 'columns of text in which each word is a token', nameList, [])
      .option(
        '--before-test',
        'histories and train campaigns end when the first test campaign begins; later users are left out',
      ),
  ).action(async (options) => (await import('./make.ts')).datasetInteractionsCommand(options, output));
  addExample(interactions, 'metaheac dataset interactions --in orders.csv --user customer --item product --out data');
}

function addMovieLens(dataSet: Command, output: Output): void {
  const movielens = withChoice(
    dataSet
      .command('movielens')
      .description(
        'make a data set from a MovieLens download: films are campaigns, and users like the films that they rated',
      )
      .requiredOption(
        '--in <dir>',
        'folder of the unpacked download (1M, or a newer data set with ratings.csv)',
        existing,
      )
      .requiredOption('--out <dir>', 'folder to write; it must not exist'),
  ).action(async (options) => (await import('./make.ts')).datasetMovieLensCommand(options, output));
  addExample(movielens, 'metaheac dataset movielens --in ml-1m --out data');
}

function addTencent(dataSet: Command, output: Output): void {
  addExample(
    dataSet
      .command('tencent')
      .description('make a data set from the Tencent look-alike data of 2018, as in the paper: ads are campaigns')
      .requiredOption(
        '--in <dir>',
        'folder that contains adFeature.csv, userFeature.data, train.csv and test*_truth.csv',
        existing,
      )
      .requiredOption('--out <dir>', 'folder to write; it must not exist')
      .option('--threshold <T>', 'ads with more seeds than this are large; other ads are small', positiveInteger, 4000)
      .option(
        '--test-share <share>',
        'share of the large ads, and of the small ads, to put in the test set',
        share,
        0.5,
      )
      .option('--minimum-users <n>', 'ads with fewer seeds than this are left out', positiveInteger, 20)
      .option(
        '--negatives <n>',
        'number of non-members to draw per member (default: use users with label -1)',
        positiveInteger,
      )
      .option('--seed <n>', 'seed of every random draw', wholeNumber, 1)
      .action(async (options) => (await import('./make.ts')).datasetTencentCommand(options, output)),
    'metaheac dataset tencent --in download --out data',
  );
}

function withFormats(command: Command): Command {
  return command
    .option('--decimal-comma', 'numbers have a decimal comma, as in 3,5')
    .addOption(
      new Option(
        '--date-format <order>',
        'whether the day or the month comes first in dates like 12/1/2010 8:26 (default: detected from the values)',
      ).choices(['dmy', 'mdy']),
    )
    .option('--separator <text>', 'separator between values in one field of a table', '|')
    .option(
      '--delimiter <text>',
      'field separator; the word tab means a tab (default: detected from the first line)',
      delimiter,
    )
    .option('--header <names>', 'names of the columns of a log without a header: a,b,c', nameList)
    .addOption(new Option('--encoding <name>', 'encoding of the files').choices(ENCODINGS).default('utf-8'));
}

/** Adds the options of commands that choose campaigns from a log. */
function withChoice(command: Command): Command {
  return command
    .option(
      '--minimum-users <n>',
      'minimum number of users of a campaign (default: the number of users of the 600th most popular item, but at least 50)',
      positiveInteger,
    )
    .option(
      '--campaigns <n>',
      'maximum number of campaigns, drawn from items with enough users; other items stay in histories (default: 300, ' +
        'but at most half of the items with enough users)',
      positiveInteger,
    )
    .option('--test-share <share>', 'share of the campaigns to put in the test set', share, 0.4)
    .option(
      '--seeds <small,large>',
      'number of seeds for small and for large test campaigns; a single number applies to both',
      seedCounts,
      [50, 200],
    )
    .option('--history <n>', "maximum number of items in a user's history", positiveInteger, 50)
    .option('--seed <n>', 'seed of every random draw', wholeNumber, 1);
}
