/** The commands `metaheac population ..`. */
import { type Command, Option } from 'commander';
import { RULES } from '../../../domain/identities.ts';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import { columnNames, countryCode, existing, identifierType, positiveInteger, wholeNumber } from '../../options.ts';
import { addSettings, blobsOf } from '../../settings.ts';

export function addPopulationCommands(program: Command, output: Output): void {
  const population = program.command('population').description('populations');
  addImport(population, output);
  addUpdate(population, output);
  addVersions(population, output);
  addErase(population, output);
  addIdentifiers(population, output);
  addShare(population, output);
  addExample(
    population
      .command('repair')
      .description('repair a damaged list of erased users, and report which records are lost')
      .argument('<dir>', 'population folder', existing)
      .option('--json', 'print one JSON object')
      .action(async (dir, options) => (await import('./repair.ts')).populationRepairCommand(dir, options, output)),
    'metaheac population repair population',
  );
}

function addErase(population: Command, output: Output): void {
  addExample(
    addSettings(population.command('erase'), ['METAHEAC_STORE', 'METAHEAC_BLOBS', 'METAHEAC_CACHE'])
      .description(
        'erase users from look-ups and pages at once, from all later results, and from a data folder; without a ' +
          'population folder, erase them everywhere in the cluster that --store names',
      )
      .argument('[dir]', 'population folder', existing)
      .requiredOption('--ids <file>', 'user ids as text, one per line', existing)
      .option(
        '--data-dir <dir>',
        'data folder of a service, which may be running; the users are erased from its seeds, lists and feedback too',
        existing,
      )
      .action(async (dir, options) =>
        dir === undefined
          ? (await import('./erase.ts')).eraseInClusterCommand(options.ids, options, output)
          : (await import('./erase.ts')).populationEraseCommand(dir, options, output),
      ),
    'metaheac population erase population --ids ids.txt --data-dir data-dir',
  );
}

function addIdentifiers(population: Command, output: Output): void {
  addExample(
    population
      .command('identifiers')
      .description(
        'hash e-mail addresses, phone numbers or other identifiers, and print one user id for each, for files of users ' +
          'and of erased users',
      )
      .argument('<file>', 'identifiers as text, one per line', existing)
      .requiredOption('--type <type>', 'email, phone, maid, uid2, rampid or custom:<name>', identifierType)
      .addOption(
        new Option('--rule <rule>', 'rule by which the identifiers are normalised and hashed')
          .choices(RULES)
          .makeOptionMandatory(),
      )
      .option('--hashed', 'the identifiers are already hashed by the rule, in hex or Base64')
      .option('--country-code <digits>', 'country code of the phone numbers that are written without one', countryCode)
      .action(async (file, options) =>
        (await import('./identifiers.ts')).populationIdentifiersCommand(file, options, output),
      ),
    'metaheac population identifiers emails.txt --type email --rule uid2 > ids.txt',
  );
}

/** Adds the commands that copy populations to and from a cluster and remove old versions there. */
function addShare(population: Command, output: Output): void {
  addExample(
    addSettings(population.command('publish'), ['METAHEAC_BLOBS'])
      .description(
        'copy a version and the erasures of a population folder to the object storage of a cluster, whose population it ' +
          'begins; an interrupted command can be repeated',
      )
      .argument('<dir>', 'population folder', existing)
      .option('--version <version>', 'version to publish (default: the newest version)')
      .option('--json', 'print one JSON object')
      .action(async (dir, options) =>
        (await import('./share.ts')).populationPublishCommand(dir, blobsOf(options), options, output),
      ),
    'metaheac population publish population --blobs s3://bucket/prefix',
  );
  addExample(
    addSettings(population.command('pull'), ['METAHEAC_BLOBS'])
      .description(
        'copy a version and the erasures from the object storage of a cluster into a new population folder, which is ' +
          'independent of the cluster from then on',
      )
      .argument('<dir>', 'population folder, which must not exist')
      .option('--version <version>', 'version to copy (default: the newest published version)')
      .option('--json', 'print one JSON object')
      .action(async (dir, options) =>
        (await import('./share.ts')).populationPullCommand(dir, blobsOf(options), options, output),
      ),
    'metaheac population pull population --blobs s3://bucket/prefix',
  );
  addExample(
    addSettings(population.command('prune-published'), ['METAHEAC_BLOBS'])
      .description(
        'remove all but the newest versions from the object storage of a cluster, and the files that no version needs; ' +
          'the version with the most users is kept',
      )
      .requiredOption('--keep <n>', 'number of versions to keep', positiveInteger)
      .requiredOption('--served <versions...>', 'versions that are kept because the cluster serves them')
      .option('--json', 'print one JSON object')
      .action(async (options) =>
        (await import('./share.ts')).populationPrunePublishedCommand(blobsOf(options), options, output),
      ),
    'metaheac population prune-published --keep 5 --served 6d89bec29ed0 --blobs s3://bucket/prefix',
  );
}

/** Settings of imports and updates that publish straight to the object storage of a cluster. */
const STORAGE = ['METAHEAC_BLOBS', 'METAHEAC_CACHE', 'METAHEAC_MIRROR_BYTES'] as const;

/** Options for reading files of users. */
function addReading(command: Command): Command {
  return addSettings(command, STORAGE)
    .option('--column <name=column>', 'column of user_id or of a feature; may be repeated', columnNames, new Map())
    .option('--max-bad-rows <n>', 'maximum number of bad rows, which are left out', wholeNumber, 0)
    .addOption(
      new Option('--duplicates <what>', 'if a user has several rows: report an error, or take the last row')
        .choices(['error', 'last'])
        .default('error'),
    )
    .option(
      '--identifiers <files...>',
      'CSV files of e-mail addresses, phone numbers or other identifiers of users, which are hashed: columns user_id, ' +
        'type, rule, value, and optionally hashed, country_code',
    )
    .option('--readmit-erased', 'import erased users too, if the files contain them (default: leave them out)')
    .option('--memory <mib>', 'memory limit of DuckDB, in MiB (default: 1024)', positiveInteger)
    .option('--maximum-tokens <n>', 'maximum number of tokens in a list (default: 4096)', positiveInteger);
}

function addImport(population: Command, output: Output): void {
  addExample(
    addReading(population.command('import'))
      .description('import users as a new version of a population: from files with a schema, or from a data set')
      .argument('[sources...]', 'Parquet, CSV or NDJSON (also .gz, .zst): paths, patterns, https:// or s3:// addresses')
      .option('--schema <file>', 'schema.json: describes the columns of the files', existing)
      .option('--data <dir>', 'data set folder, instead of files and a schema', existing)
      .option(
        '--model <dir>',
        'model folder; with --data, the features to import; with files, the features that the files must have',
        existing,
      )
      .option(
        '--out <dir>',
        'population folder; created if it does not exist (default: the published population of --blobs)',
      )
      .hook('preAction', checkSources)
      .action(async (sources, options) => {
        await (await import('./import.ts')).populationImportCommand(sources, options, output);
      }),
    'metaheac population import users.parquet --schema schema.json --out population',
    'metaheac population import users.parquet --schema schema.json --blobs s3://bucket/prefix',
  );
  addExample(
    population
      .command('schema')
      .description('propose a schema.json for files of users; edit it before the import')
      .argument('<sources...>', 'Parquet, CSV or NDJSON files')
      .requiredOption('--infer', 'read the files and print a proposed schema')
      .option('--rows <n>', 'number of rows to read', positiveInteger, 1_000_000)
      .action(async (sources, options) =>
        (await import('./schema.ts')).populationSchemaCommand(sources, options, output),
      ),
    'metaheac population schema users.parquet --infer > schema.json',
  );
}

/** Requires either files with a schema, or a data set with a model. */
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
        'make a new current version from the newest version: replace changed users, add new users, and delete users',
      )
      .option('--population <dir>', 'population folder (default: the published population of --blobs)', existing)
      .option('--changed <files...>', 'Parquet, CSV or NDJSON with all features of users who changed or are new')
      .option('--deleted <files...>', 'ids of users to delete: text (.txt, one per line), CSV, Parquet or NDJSON')
      .option(
        '--schema <file>',
        'schema.json: describes the columns (default: columns are named like the features)',
        existing,
      )
      .option('--base <version>', 'version to build on: newest, current, or the name of a version', 'newest')
      .option('--compact', 'rewrite every segment with dead rows, so that none stay on disk')
      .option('--json', 'print one JSON object')
      .hook('preAction', (command) => {
        const { changed, deleted, compact, identifiers } = command.opts();
        if (!changed && !deleted && !compact && !identifiers)
          command.error("error: give '--changed <files...>' or '--deleted <files...>'");
      })
      .action(async (options) => {
        await (await import('./update.ts')).populationUpdateCommand(options, output);
      }),
    'metaheac population update --population population --changed changed.parquet --deleted left.txt',
    'metaheac population update --blobs s3://bucket/prefix --changed changed.parquet',
  );
}

function addVersions(population: Command, output: Output): void {
  const VERSIONS = async () => import('./versions.ts');
  addExample(
    population
      .command('list')
      .description('list the versions of a population folder, newest first; * marks the current version')
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
      .option('--version <version>', 'version to print (default: the current version)')
      .action(async (dir, options) => (await VERSIONS()).populationShowCommand(dir, options, output)),
    'metaheac population show population',
  );
  addExample(
    population
      .command('diff')
      .description('count the users added, removed and changed between two versions')
      .argument('<dir>', 'population folder', existing)
      .argument('<before>', 'version')
      .argument('<after>', 'version')
      .action(async (dir, before, after) => (await VERSIONS()).populationDiffCommand(dir, before, after, output)),
    'metaheac population diff population c937d4410f77 6d89bec29ed0',
  );
  addExample(
    population
      .command('prune')
      .description('remove all but the newest versions; the current version is always kept')
      .argument('<dir>', 'population folder', existing)
      .requiredOption('--keep <n>', 'number of versions to keep', positiveInteger)
      .action(async (dir, options) => (await VERSIONS()).populationPruneCommand(dir, options, output)),
    'metaheac population prune population --keep 5',
  );
  addExample(
    population
      .command('rollback')
      .description('make an earlier version current, so that services start with it')
      .argument('<dir>', 'population folder', existing)
      .option('--to <version>', 'version to make current (default: the version before the current version)')
      .action(async (dir, options) => (await VERSIONS()).populationRollbackCommand(dir, options, output)),
    'metaheac population rollback population',
  );
}
