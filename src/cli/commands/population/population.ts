/** The commands `metaheac population ..`. */
import { type Command, Option } from 'commander';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import { columnNames, existing, positiveInteger, wholeNumber } from '../../options.ts';

export function addPopulationCommands(program: Command, output: Output): void {
  const population = program.command('population').description('populations');
  addImport(population, output);
  addUpdate(population, output);
  addVersions(population, output);
  addErase(population, output);
  addExample(
    population
      .command('repair')
      .description('make a damaged list of erased users whole again, and say what could not be')
      .argument('<dir>', 'population folder', existing)
      .option('--json', 'print one JSON object')
      .action(async (dir, options) => (await import('./repair.ts')).populationRepairCommand(dir, options, output)),
    'metaheac population repair population',
  );
}

function addErase(population: Command, output: Output): void {
  addExample(
    population
      .command('erase')
      .description('erase users: from look-ups and pages at once, from all that is made later, and from a data folder')
      .argument('<dir>', 'population folder', existing)
      .requiredOption('--ids <file>', 'user ids as text, one a line', existing)
      .option('--data-dir <dir>', 'data folder of a service, which may be running: seeds, lists, feedback', existing)
      .action(async (dir, options) => (await import('./erase.ts')).populationEraseCommand(dir, options, output)),
    'metaheac population erase population --ids ids.txt --data-dir data-dir',
  );
}

/** What reading files of users takes. */
function addReading(command: Command): Command {
  return command
    .option(
      '--column <name=column>',
      'the column of user_id, or of a feature; may be given again',
      columnNames,
      new Map(),
    )
    .option('--max-bad-rows <n>', 'bad rows that may be left out', wholeNumber, 0)
    .addOption(
      new Option('--duplicates <what>', 'a user who is there more than once: an error, or the last row wins')
        .choices(['error', 'last'])
        .default('error'),
    )
    .option('--readmit-erased', 'let users in who were erased and are in the files again; they are left out otherwise')
    .option('--memory <mib>', 'what DuckDB may hold in memory, in MiB (default: 1024)', positiveInteger)
    .option('--maximum-tokens <n>', 'most tokens in one list (default: 4096)', positiveInteger);
}

function addImport(population: Command, output: Output): void {
  addExample(
    addReading(population.command('import'))
      .description('import users as a new version of a population: files as a schema says, or those of a data set')
      .argument('[sources...]', 'Parquet, CSV or NDJSON (also .gz, .zst): paths, patterns, https:// or s3:// addresses')
      .option('--schema <file>', 'schema.json: which columns of the files are what', existing)
      .option('--data <dir>', 'data set folder, in place of files and schema', existing)
      .option(
        '--model <dir>',
        'model folder: with --data its user features are imported; with files it is compared',
        existing,
      )
      .requiredOption('--out <dir>', 'population folder; made if it does not exist')
      .hook('preAction', checkSources)
      .action(async (sources, options) => {
        if (sources.length === 0) {
          await (await import('./import.ts')).populationImportCommand(options, output);
        } else {
          const { populationImportFilesCommand } = await import('./import-files.ts');
          await populationImportFilesCommand(sources, options, output);
        }
      }),
    'metaheac population import users.parquet --schema schema.json --out population',
  );
  addExample(
    population
      .command('schema')
      .description('propose a schema.json for files of users, to be edited')
      .argument('<sources...>', 'Parquet, CSV or NDJSON files')
      .requiredOption('--infer', 'read the files and print a proposal')
      .option('--rows <n>', 'rows that are looked at', positiveInteger, 1_000_000)
      .action(async (sources, options) =>
        (await import('./schema.ts')).populationSchemaCommand(sources, options, output),
      ),
    'metaheac population schema users.parquet --infer > schema.json',
  );
}

/** Files with their schema, or a data set with a model. */
function checkSources(command: Command): void {
  const options = command.opts();
  const hasFiles = command.args.length > 0;
  if (hasFiles && options['data'] !== undefined) command.error("error: give files or '--data', not both");
  for (const option of hasFiles ? ['schema'] : ['data', 'model'])
    if (options[option] === undefined) command.error(`error: required option '--${option} <path>' not specified`);
}

function addUpdate(population: Command, output: Output): void {
  addExample(
    addReading(population.command('update'))
      .description(
        'make a version of the newest one, and make it current: users who changed or are new get other rows, deleted ones none',
      )
      .requiredOption('--population <dir>', 'population folder', existing)
      .option('--changed <files...>', 'Parquet, CSV or NDJSON with all features of users who changed or are new')
      .option('--deleted <files...>', 'ids of users who left: text (.txt, one a line), CSV, Parquet or NDJSON')
      .option(
        '--schema <file>',
        'schema.json: which columns are what (default: columns have the names of the features)',
        existing,
      )
      .option('--base <version>', 'the version to build on: newest, current, or its name', 'newest')
      .option('--compact', 'leave no dead rows on disk: writes every segment anew that has some')
      .option('--json', 'print one JSON object')
      .hook('preAction', (command) => {
        const { changed, deleted, compact } = command.opts();
        if (!changed && !deleted && !compact)
          command.error("error: give '--changed <files...>' or '--deleted <files...>'");
      })
      .action(async (options) => {
        await (await import('./update.ts')).populationUpdateCommand(options, output);
      }),
    'metaheac population update --population population --changed changed.parquet --deleted left.txt',
  );
}

function addVersions(population: Command, output: Output): void {
  const VERSIONS = async () => import('./versions.ts');
  addExample(
    population
      .command('list')
      .description('list the versions of a population folder, the newest first; * is the current one')
      .argument('<dir>', 'population folder', existing)
      .option('--json', 'print one JSON object')
      .action(async (dir, options) => (await VERSIONS()).populationListCommand(dir, options, output)),
    'metaheac population list population',
  );
  addExample(
    population
      .command('show')
      .description('print the users and features of a version, after checking all its files')
      .argument('<dir>', 'population folder', existing)
      .option('--version <version>', 'the version (default: the current one)')
      .action(async (dir, options) => (await VERSIONS()).populationShowCommand(dir, options, output)),
    'metaheac population show population',
  );
  addExample(
    population
      .command('diff')
      .description('count the users that were added, removed and changed between two versions')
      .argument('<dir>', 'population folder', existing)
      .argument('<before>', 'version')
      .argument('<after>', 'version')
      .action(async (dir, before, after) => (await VERSIONS()).populationDiffCommand(dir, before, after, output)),
    'metaheac population diff population c937d4410f77 6d89bec29ed0',
  );
  addExample(
    population
      .command('prune')
      .description('remove all but the newest versions; the current one stays')
      .argument('<dir>', 'population folder', existing)
      .requiredOption('--keep <n>', 'versions to keep', positiveInteger)
      .action(async (dir, options) => (await VERSIONS()).populationPruneCommand(dir, options, output)),
    'metaheac population prune population --keep 5',
  );
  addExample(
    population
      .command('rollback')
      .description('make an earlier version the one that services start with')
      .argument('<dir>', 'population folder', existing)
      .option('--to <version>', 'the version (default: the one before the current one)')
      .action(async (dir, options) => (await VERSIONS()).populationRollbackCommand(dir, options, output)),
    'metaheac population rollback population',
  );
}
