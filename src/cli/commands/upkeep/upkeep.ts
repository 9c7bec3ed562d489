/** The commands that look after a data folder: `verify`, `backup` and `restore`. */
import type { Command } from 'commander';
import { systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import { existing } from '../../options.ts';
import { addDataDir, dataDirOf } from '../../settings.ts';

export function addUpkeepCommands(program: Command, output: Output): void {
  addExample(
    addDataDir(program.command('verify'))
      .description(
        "check that every file a data folder's rows name, and every promoted model, is there and whole, and list files " +
          'of nobody (exit code 4: something is missing or damaged, or a model cannot expand); safe beside a running service',
      )
      .option('--repair', 'remove the files of nobody, and nothing else; no service may use the folder')
      .option('--json', 'print one JSON object on stdout')
      .action(async (dir, options) =>
        (await import('./verify.ts')).verifyCommand(dataDirOf(dir, options, output), options, output),
      ),
    'metaheac verify --data-dir data-dir',
  );
  addExample(
    addDataDir(program.command('backup'))
      .description('copy a data folder as it is at one moment, promoted models too, while a service uses it')
      .requiredOption('--out <dir>', 'folder to make; files are hard links where the file system has them')
      .option('--copy', 'copy files even where they could be hard links')
      .option(
        '--with-population <dir>',
        'have the population of the service in it; imports are refused meanwhile',
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
      .description('make a data folder of a backup; every file is verified')
      .argument('<backup>', 'folder that backup made', existing)
      .option('--data-dir <dir>', 'data folder to make; it must be empty, or not exist (required)')
      .option('--to <data-dir>', 'the same as --data-dir')
      .option('--population-to <dir>', 'population folder to make, of a backup that has one')
      .option('--json', 'print one JSON object on stdout')
      .action(async (backup, options, command: Command) => {
        const to = options.dataDir ?? options.to;
        if (to === undefined) command.error("error: required option '--data-dir <dir>' not specified");
        await (await import('./backup.ts')).restoreCommand(backup, { ...options, to }, output);
      }),
    'metaheac restore backup --data-dir data-dir --population-to population',
  );
}
