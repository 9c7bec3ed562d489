/** The commands that train a model: `train` and `retrain`. */
import { type Command, Option } from 'commander';
import type { Output } from '../../../lib/output.ts';
import { positiveInteger, positiveNumber, wholeNumber } from '../../options.ts';
import type { TrainCommandOptions } from './train.ts';

export function addTrainCommands(program: Command, output: Output): void {
  const train = program
    .command('train')
    .description('meta-train a general model: on past campaigns, or on the tokens of a population')
    .option('--data <dir>', 'data set folder')
    .option('--population <dir>', 'population folder, with --from-service or --self-supervised')
    .option('--from-service <dir>', "a service's data folder: its campaigns, with their seeds and feedback")
    .option('--self-supervised', 'without campaigns: each frequent token of the population is one, its holders members')
    .requiredOption('--out <dir>', 'model folder to write')
    .addOption(
      new Option(
        '--past-campaigns <when>',
        'past campaigns as a user feature: auto (if they help on train campaigns), always, or never (the ' +
          'service will not have the history of its users)',
      )
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    )
    .option('--resume', 'continue from the checkpoint of an interrupted training');
  addTrainingOptions(train).action(async (options, command: Command) => {
    checkTrainSource(options, command);
    await (await import('./train.ts')).trainCommand(options, output);
  });
  const retrain = program
    .command('retrain')
    .description(
      'train on the campaigns of a service but the newest, compare with the serving model on those, and make the ' +
        'new one current unless it is worse (exit code 3: it was not promoted)',
    )
    .requiredOption('--data-dir <dir>', "the service's data folder")
    .requiredOption('--population <dir>', "the service's population folder")
    .requiredOption('--models <dir>', 'folder of models; its link `current` is the one to serve')
    .option('--model <dir>', 'the serving model (default: the current one)')
    .option('--json', 'print one JSON object on stdout');
  addTrainingOptions(retrain).action(async (options) => (await import('./retrain.ts')).retrainCommand(options, output));
}

function addTrainingOptions(command: Command): Command {
  return command
    .option('--name <name>', 'name of the model', 'metaheac')
    .addOption(
      new Option('--recipe <name>', 'model architecture and training procedure')
        .choices(['meta-heads', 'published'])
        .default('meta-heads'),
    )
    .option('--maximum-tokens <n>', 'most tokens of a user feature: rarer ones are cut', positiveInteger, 1_000_000)
    .option('--task-count <n>', 'campaigns per meta-step', positiveInteger)
    .option('--num-expert <n>', 'experts', positiveInteger)
    .option('--num-output <n>', 'critics', positiveInteger)
    .option('--batchsize <n>', 'rows of a support batch, and of a query batch', positiveInteger)
    .option('--seed <n>', 'seed of all random numbers', wholeNumber)
    .option('--embedding <k>', 'embedding dimension', positiveInteger)
    .option('--inner-rate <rate>', 'learning rate of the inner step', positiveNumber)
    .option('--outer-rate <rate>', "Adam's learning rate of the outer step", positiveNumber)
    .option('--steps <n>', 'meta-steps', positiveInteger)
    .option('--first-order', 'leave out the second-order term')
    .option(
      '--threads <n>',
      'compute threads; the model does not depend on it (default: one per processor)',
      positiveInteger,
    )
    .addOption(new Option('--device <device>', 'auto, cpu, cuda or cuda:N').conflicts('gpu'))
    .addOption(new Option('--gpu <n>', 'the same as --device cuda:N').argParser(wholeNumber));
}

/** One source: a data set, or a population with campaigns of a service or without any. */
function checkTrainSource(options: TrainCommandOptions, command: Command): void {
  const { data, population, selfSupervised = false, fromService } = options;
  if (population === undefined && (selfSupervised || fromService !== undefined))
    command.error("error: required option '--population <dir>' not specified");
  if (data === undefined && population === undefined)
    command.error(
      "error: required option '--data <dir>' not specified (or --population <dir> with --from-service <dir> or " +
        '--self-supervised)',
    );
  if (data !== undefined && population !== undefined)
    command.error("error: give '--data', or '--population', not both: they are different sources");
  if (population !== undefined && selfSupervised === (fromService !== undefined))
    command.error(
      "error: '--population' has users alone: give '--from-service <dir>' for their campaigns, or '--self-supervised'",
    );
}
