/** `metaheac model promote`, `list` and `rollback`: which model a service serves. */
import { type Command, Option } from 'commander';
import type { Output } from '../../../lib/output.ts';

const PROMOTE = async () => import('./promote.ts');

const url = () => new Option('--url <url>', 'the running service; its key, if it has one, is METAHEAC_API_KEY');

/** Adds them to `model`. */
export function addModelSwitchCommands(model: Command, output: Output): void {
  model
    .command('promote')
    .description('put a model into the data folder of a service, and have it checked and served')
    .argument('<dir>', 'model folder')
    .requiredOption('--data-dir <dir>', 'data folder of the service')
    .addOption(url())
    .option('--json', 'print one JSON object')
    .action(async (dir, options) => (await PROMOTE()).modelPromoteCommand(dir, options, output));
  model
    .command('list')
    .description('list the models of a running service, the served one first')
    .addOption(url().makeOptionMandatory())
    .option('--json', 'print one JSON object')
    .action(async (options) => (await PROMOTE()).modelListCommand(options, output));
  model
    .command('rollback')
    .description('have a running service leave a model for the one that it served before')
    .addOption(url().makeOptionMandatory())
    .option('--from <version>', 'the model to leave (default: the served one)')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await PROMOTE()).modelRollbackCommand(options, output));
}
