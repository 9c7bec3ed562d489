/** The commands for data folders: `verify`, `backup` and `restore`. */
import type { Command } from 'commander';
import { systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import { existing } from '../../options.ts';
import { addDataDir, dataDirOf, type FlagValues, settingsOf } from '../../settings.ts';
import { clusterOf } from '../serve/cluster-settings.ts';
import type { VerifiedStore } from './verify.ts';

/** The store to verify: that of a cluster, or that of a data folder. @throws UsageError, AppError as `dataDirOf` */
function verifiedStore(dir: string | undefined, options: FlagValues, output: Output): VerifiedStore {
  const cluster = dir === undefined ? clusterOf(settingsOf(options, output).values) : null;
  return cluster ?? dataDirOf(dir, options, output);
}

export function addUpkeepCommands(program: Command, output: Output): void {
  addExample(
    addDataDir(program.command('verify'), 'data folder of a service', [
      ...(['METAHEAC_STORE', 'METAHEAC_BLOBS', 'METAHEAC_CACHE'] as const),
    ])
      .description(
        'check that every file recorded in the database and every promoted model is intact, and list orphaned ' +
          'files (exit code 4: something is missing or damaged, or a model cannot expand); safe while a service is ' +
          'running. With --store and --blobs, checks the database and the object storage of a cluster',
      )
      .option('--repair', 'remove orphaned files, and nothing else; no service may be using the folder')
      .option('--json', 'print one JSON object on stdout')
      .action(async (dir, options) =>
        (await import('./verify.ts')).verifyCommand(verifiedStore(dir, options, output), options, output),
      ),
    'metaheac verify --data-dir data-dir',
  );
  addExample(
    addDataDir(program.command('backup'))
      .description(
        'copy a consistent state of a data folder, with promoted models, even while a service is using the folder',
      )
      .requiredOption('--out <dir>', 'folder to create; files are hard links if the file system supports them')
      .option('--copy', 'always copy files, even where hard links are possible')
      .option(
        '--with-population <dir>',
        'include the population of the service; imports are refused during the backup',
        existing,
      )
      .option('--json', 'print one JSON object on stdout')
      .action(async (dir, options) =>
        (await import('./backup.ts')).backupCommand(dataDirOf(dir, options, output), options, systemClock, output),
      ),
    'metaheac backup --data-dir data-dir --out backup --with-population population',
  );
  addExample(
    program
      .command('restore')
      .description('restore a data folder from a backup; every file is verified')
      .argument('<backup>', 'folder made by backup', existing)
      .option('--data-dir <dir>', 'data folder to create; it must be empty or not exist (required)')
      .option('--to <data-dir>', 'alias of --data-dir')
      .option('--population-to <dir>', 'population folder to create, if the backup has a population')
      .option('--json', 'print one JSON object on stdout')
      .action(async (backup, options, command: Command) => {
        const to = options.dataDir ?? options.to;
        if (to === undefined) command.error("error: required option '--data-dir <dir>' not specified");
        await (await import('./backup.ts')).restoreCommand(backup, { ...options, to }, output);
      }),
    'metaheac restore backup --data-dir data-dir --population-to population',
  );
}
