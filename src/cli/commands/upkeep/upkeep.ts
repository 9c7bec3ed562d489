/** The commands that look after a data folder: `verify`, `backup` and `restore`. */
import type { Command } from 'commander';
import { systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';

export function addUpkeepCommands(program: Command, output: Output): void {
  program
    .command('verify')
    .description(
      "check that every file a data folder's rows name, and every promoted model, is there and whole, and list files " +
        'of nobody (exit code 4: something is missing or damaged, or a model cannot expand); safe beside a running service',
    )
    .argument('<data-dir>', "the service's data folder")
    .option('--repair', 'remove the files of nobody, and nothing else; no service may use the folder')
    .option('--json', 'print one JSON object on stdout')
    .action(async (dataDir, options) => (await import('./verify.ts')).verifyCommand(dataDir, options, output));
  program
    .command('backup')
    .description('copy a data folder as it is at one moment, promoted models too, while a service uses it')
    .argument('<data-dir>', "the service's data folder")
    .requiredOption('--out <dir>', 'folder to make; files are hard links where the file system has them')
    .option('--copy', 'copy files even where they could be hard links')
    .option('--with-population <dir>', 'have the population of the service in it; imports are refused meanwhile')
    .option('--json', 'print one JSON object on stdout')
    .action(async (dataDir, options) =>
      (await import('./backup.ts')).backupCommand(dataDir, options, systemClock, output),
    );
  program
    .command('restore')
    .description('make a data folder of a backup; every file is verified')
    .argument('<backup>', 'folder that backup made')
    .requiredOption('--to <data-dir>', 'data folder to make; refused where it holds something')
    .option('--population-to <dir>', 'population folder to make, of a backup that has one')
    .option('--json', 'print one JSON object on stdout')
    .action(async (backup, options) => (await import('./backup.ts')).restoreCommand(backup, options, output));
}
