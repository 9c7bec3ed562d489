/** The commands `metaheac population ..`. */
import type { Command } from 'commander';
import type { Output } from '../lib/output.ts';
import { positiveInteger } from './options.ts';

export function addPopulationCommands(program: Command, output: Output): void {
  const population = program.command('population').description('populations');
  population
    .command('import')
    .description("import a data set's users as a new version of a population")
    .requiredOption('--data <dir>', 'data set folder')
    .requiredOption('--model <dir>', 'model folder: its user features are imported')
    .requiredOption('--out <dir>', 'population folder; created if it does not exist')
    .option('--maximum-tokens <n>', 'maximum number of tokens in one list', positiveInteger)
    .action(async (options) =>
      (await import('./commands/population-import.ts')).populationImportCommand(options, output),
    );

  const VERSIONS = async () => import('./commands/population-versions.ts');
  population
    .command('list')
    .description('list the versions of a population folder, the newest first; * is the current one')
    .argument('<dir>', 'population folder')
    .option('--json', 'print one JSON object')
    .action(async (dir, options) => (await VERSIONS()).populationListCommand(dir, options, output));
  population
    .command('show')
    .description('print the users and features of a version, after checking all its files')
    .argument('<dir>', 'population folder')
    .option('--version <version>', 'default: the current one')
    .action(async (dir, options) => (await VERSIONS()).populationShowCommand(dir, options, output));
  population
    .command('diff')
    .description('count the users that were added, removed and changed between two versions')
    .argument('<dir>', 'population folder')
    .argument('<before>', 'version')
    .argument('<after>', 'version')
    .action(async (dir, before, after) => (await VERSIONS()).populationDiffCommand(dir, before, after, output));
  population
    .command('prune')
    .description('remove all but the newest versions; the current one stays')
    .argument('<dir>', 'population folder')
    .requiredOption('--keep <n>', 'versions to keep', positiveInteger)
    .action(async (dir, options) => (await VERSIONS()).populationPruneCommand(dir, options, output));
  population
    .command('rollback')
    .description('make an earlier version the one that services start with')
    .argument('<dir>', 'population folder')
    .option('--to <version>', 'default: the one before the current one')
    .action(async (dir, options) => (await VERSIONS()).populationRollbackCommand(dir, options, output));
}
