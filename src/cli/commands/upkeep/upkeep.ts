/** The commands for stores: `verify`, `backup`, `restore` and `migrate-store`; and `reproduce` for receipts. */
import type { Command } from 'commander';
import { systemClock } from '../../../lib/clock.ts';
import { UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import { collect, deviceOption, existing, positiveInteger } from '../../options.ts';
import { addDataDir, addSettings, blobsOf, settingsOf } from '../../settings.ts';
import { CLUSTER, cacheOf, chosenStore } from '../chosen-store.ts';

export function addUpkeepCommands(program: Command, output: Output): void {
  addExample(
    addDataDir(program.command('verify'), 'data folder of a service', CLUSTER)
      .description(
        'check that every file recorded in the database and every promoted model is intact, and list orphaned ' +
          'files (exit code 4: something is missing or damaged, or a model cannot expand); safe while a service is ' +
          'running. With --store and --blobs, checks the user sets, the rankings, and the published populations and models ' +
          'of a cluster',
      )
      .option('--repair', 'remove orphaned files, and nothing else; no service may be using the folder')
      .option('--json', 'print one JSON object on stdout')
      .action(async (dir, options) =>
        (await import('./verify.ts')).verifyCommand(chosenStore(dir, options), options, output),
      ),
    'metaheac verify --data-dir data-dir',
  );
  addExample(
    addDataDir(program.command('backup'), 'data folder of a service', CLUSTER)
      .description(
        'copy a consistent state of a data folder, with promoted models, even while a service is using the folder. ' +
          'With --store and --blobs, copies the store of a cluster, which may be in use too',
      )
      .requiredOption('--out <dir>', 'folder to create; files are hard links if the file system supports them')
      .option('--copy', 'always copy files, even where hard links are possible')
      .option(
        '--with-population <dir>',
        'include the population of the service; imports are refused during the backup',
        existing,
      )
      .option('--json', 'print one JSON object on stdout')
      .action(async (dir, options) => {
        const chosen = chosenStore(dir, options);
        const { backupClusterCommand, backupCommand } = await import('./backup.ts');
        if (typeof chosen === 'string') await backupCommand(chosen, options, systemClock, output);
        else await backupClusterCommand(chosen, options, systemClock, output);
      }),
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
  addMigrateStore(program, output);
  addReproduce(program, output);
}

function addReproduce(program: Command, output: Output): void {
  addExample(
    program
      .command('reproduce')
      .argument('<receipt>', 'file with the receipt of an audience version', existing)
      .description(
        'make the ranking of a receipt again from the same inputs, or say which input differs (exit code 4). Needs ' +
          'no service. Files of user ids have one id per line, in any order, or are uploads of seeds in NDJSON',
      )
      .requiredOption('--model <dir>', 'folder of the general model', existing)
      .requiredOption('--population <dir>', 'folder of the population', existing)
      .requiredOption('--seeds <file>', 'user ids of the seeds; a weight may follow a tab', existing)
      .option('--suppression <file>', "user ids of the campaign's suppression list", existing)
      .option('--set <name=file>', 'another user set of the receipt, by its name there (repeatable)', collect, [])
      .option('--campaign <file>', "JSON with fields of the campaign to compare with the receipt's", existing)
      .option('--threads <n>', 'number of threads (default: 1)', positiveInteger)
      .addOption(deviceOption())
      .option('--json', 'print one JSON object on stdout')
      .action(async (receipt, options) => (await import('./reproduce.ts')).reproduceCommand(receipt, options, output)),
    'metaheac reproduce receipt.json --model models/demo --population population --seeds seeds.txt',
  );
}

function addMigrateStore(program: Command, output: Output): void {
  const command = program
    .command('migrate-store')
    .argument('<from>', 'data folder, or URL of the database of a cluster (postgres://..); it is only read')
    .argument('<to>', 'URL of an empty database if <from> is a data folder, else the data folder to create')
    .description(
      'copy a whole store from a data folder to a cluster, or back: all rows, user sets and rankings, each compared ' +
        'with the source afterwards. No process may be using either store. If the command is killed, run it again: ' +
        'it begins anew. Populations and models are not part of a store',
    )
    .option('--json', 'print one JSON object on stdout');
  addExample(
    addSettings(command, ['METAHEAC_BLOBS', 'METAHEAC_CACHE']).action(async (from, to, options) => {
      refusePasswords([from, to]);
      const { migrateStoreCommand } = await import('./migrate-store.ts');
      const { METAHEAC_CACHE: cache } = settingsOf(options).values;
      const places = { blobs: blobsOf(options), cache: cacheOf(cache) };
      await migrateStoreCommand(from, to, { ...places, json: options.json }, output);
    }),
    'metaheac migrate-store data-dir postgres://metaheac@db.example/metaheac --blobs s3://bucket/prefix',
  );
}

/** @throws UsageError */
function refusePasswords(places: readonly string[]): void {
  if (places.some((place) => /^\w+:\/\/[^/@]*:[^/@]*@/.test(place)))
    throw new UsageError(
      'every user of this machine can read a password in a command line: use PGPASSFILE or PGPASSWORD',
    );
}
