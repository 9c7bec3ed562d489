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
      .option('--users <n>', 'people', positiveInteger, 50_000)
      .option('--train-campaigns <n>', 'campaigns to train on', positiveInteger, 40)
      .option('--test-campaigns <n>', 'campaigns to evaluate on', positiveInteger, 12)
      .option('--seed <n>', 'seed of people and campaigns', wholeNumber, 1)
      .option('--world <name>', 'meaning of the tokens: data sets of one world fit one model', 'demo')
      .action(async (options) => (await import('./generate.ts')).datasetGenerateCommand(options, output)),
    'metaheac dataset generate --out data --users 10000',
  );
}

function addInteractions(dataSet: Command, output: Output): void {
  const interactions = withFormats(
    withChoice(dataSet.command('interactions'))
      .description(
        'make a data set of a log of users and items: popular items are campaigns, the others the history of the users',
      )
      .requiredOption(
        '--in <file>',
        'the log: CSV, or another text with separators, or NDJSON; plain, .gz or .zst',
        existing,
      )
      .requiredOption('--out <dir>', 'folder to write; it must not exist')
      .requiredOption('--user <column>', 'column of user ids, in the log and in --users')
      .requiredOption('--item <column>', 'column of item ids, in the log and in --items')
      .option(
        '--time <column>',
        'column of times (seconds or milliseconds since 1970, or dates): the newest campaigns are the test',
      )
      .option('--items <file>', 'table of items: its columns are campaign features', existing)
      .option('--users <file>', 'table of users: its columns are user features', existing)
      .option('--leave-out <columns>', 'columns of the tables that are no features: a,b', nameList, [])
      .option(
        '--where <condition>',
        'condition on rows of the log; may be repeated: "Quantity > 0", "InvoiceNo !~ ^C" (= != < <= > >= ~ !~)',
        collect,
        [],
      )
      .option('--exclude-items <items>', 'items whose rows are left out: POST,BANK CHARGES', nameList, [])
      .option('--exclude-items-file <file>', 'the same, an item a line; not all need be in the log', existing)
      .option(
        '--user-features <columns>',
        'columns of the log that are user features, by the earliest row',
        nameList,
        [],
      )
      .option('--item-features <columns>', 'columns of the log that are campaign features, likewise', nameList, [])
      .option('--numbers <columns>', 'columns that hold numbers', nameList, [])
      .option('--dates <columns>', 'columns that hold dates', nameList, [])
      .option('--vectors <columns>', 'columns that hold vectors: [0.1, 0.2], or by --separator', nameList, [])
      .option('--words <columns>', 'columns of texts of which each word is a token', nameList, [])
      .option(
        '--before-test',
        'histories and train campaigns end where the first test campaign begins; users of later are left out',
      ),
  ).action(async (options) => (await import('./interactions.ts')).datasetInteractionsCommand(options, output));
  addExample(interactions, 'metaheac dataset interactions --in orders.csv --user customer --item product --out data');
}

function addMovieLens(dataSet: Command, output: Output): void {
  const movielens = withChoice(
    dataSet
      .command('movielens')
      .description('make a data set of a MovieLens download: films are campaigns, whoever rated one likes it')
      .requiredOption('--in <dir>', 'folder of the unpacked download (1M, or one with ratings.csv)', existing)
      .requiredOption('--out <dir>', 'folder to write; it must not exist'),
  ).action(async (options) => (await import('./movielens.ts')).datasetMovieLensCommand(options, output));
  addExample(movielens, 'metaheac dataset movielens --in ml-1m --out data');
}

function addTencent(dataSet: Command, output: Output): void {
  addExample(
    dataSet
      .command('tencent')
      .description('make a data set of the Tencent look-alike data of 2018, as the paper does: ads are campaigns')
      .requiredOption(
        '--in <dir>',
        'folder of adFeature.csv, userFeature.data, train.csv and test*_truth.csv',
        existing,
      )
      .requiredOption('--out <dir>', 'folder to write; it must not exist')
      .option('--threshold <T>', 'ads of more seeds are large, the others small', positiveInteger, 4000)
      .option('--test-share <share>', 'part of the large and of the small ads that are the test', share, 0.5)
      .option('--minimum-users <n>', 'ads of fewer seeds are left out', positiveInteger, 20)
      .option('--negatives <n>', 'others drawn for each member (default: those with label -1)', positiveInteger)
      .option('--seed <n>', 'seed of every random draw', wholeNumber, 1)
      .action(async (options) => (await import('./tencent.ts')).datasetTencentCommand(options, output)),
    'metaheac dataset tencent --in download --out data',
  );
}

/** How the files of a log are written. */
function withFormats(command: Command): Command {
  return command
    .option('--decimal-comma', 'numbers are written 3,5')
    .addOption(
      new Option(
        '--date-format <order>',
        'dates like 12/1/2010 8:26 have the day or the month first (default: told by the values)',
      ).choices(['dmy', 'mdy']),
    )
    .option('--separator <text>', 'what separates several values in a field of a table', '|')
    .option('--delimiter <text>', 'what separates fields (default: told from the first line); tab for a tab', delimiter)
    .option('--header <names>', 'names of the columns of a log without a header: a,b,c', nameList)
    .addOption(new Option('--encoding <name>', 'encoding of the files').choices(ENCODINGS).default('utf-8'));
}

/** Options of the commands that choose campaigns in a log. */
function withChoice(command: Command): Command {
  return command
    .option(
      '--minimum-users <n>',
      'least users of a campaign (default: by the data, as many as the item at rank 600 has, and at least 50)',
      positiveInteger,
    )
    .option(
      '--campaigns <n>',
      'most campaigns, drawn among the items with enough users; the others stay in histories (default: 300, and at ' +
        'most half of those items)',
      positiveInteger,
    )
    .option('--test-share <share>', 'part of the campaigns that are the test', share, 0.4)
    .option(
      '--seeds <small,large>',
      'seeds of small and of large test campaigns; one number: of all',
      seedCounts,
      [50, 200],
    )
    .option('--history <n>', "most items of a user's history", positiveInteger, 50)
    .option('--seed <n>', 'seed of every random draw', wholeNumber, 1);
}
