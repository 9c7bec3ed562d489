/** The commands that train and measure models: `train`, `retrain` and `evaluate`. */
import { type Command, Option } from 'commander';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import { deviceOption, existing, existingOnes, positiveInteger, positiveNumber, wholeNumber } from '../../options.ts';
import { addSettings, dataDirOf } from '../../settings.ts';

export function addTrainCommands(program: Command, output: Output): void {
  const train = program
    .command('train')
    .description('meta-train a general model: on past campaigns, or on the tokens of a population')
    .option('--data <dir>', 'data set folder', existing)
    .option('--population <dir>', 'population folder, with --data-dir or --self-supervised', existing)
    .option('--data-dir <dir>', "a service's data folder: its campaigns, with their seeds and feedback", existing)
    .option('--from-service <dir>', 'alias of --data-dir', existing)
    .option(
      '--self-supervised',
      'train without campaigns: each frequent token of the population becomes a campaign of the users who have it',
    )
    .requiredOption('--out <dir>', 'model folder to write')
    .addOption(
      new Option(
        '--past-campaigns <when>',
        'use past campaigns as a user feature: auto (if they help on train campaigns), always, or never (if the ' +
          'service will not have the history of its users)',
      )
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    )
    .option('--resume', 'continue from the checkpoint of an interrupted training');
  train.hook('preAction', checkTrainSource);
  addTrainingOptions(train).action(async ({ dataDir, fromService = dataDir, ...others }) => {
    const options = { ...others, fromService };
    await (await import('./train.ts')).trainCommand(options, output);
  });
  addExample(train, 'metaheac train --data data --out models/first');
  const retrain = addSettings(program.command('retrain'), ['METAHEAC_DATA_DIR'])
    .description(
      'train on all but the newest campaigns of a service, compare the new model with the serving model on the newest ' +
        'campaigns, and make the new model current unless it is worse (exit code 3: not promoted)',
    )
    .requiredOption('--population <dir>', "the service's population folder", existing)
    .requiredOption('--models <dir>', 'folder of models; its link `current` names the model to serve')
    .option('--model <dir>', 'the serving model (default: the current model)', existing)
    .option('--json', 'print one JSON object on stdout');
  addTrainingOptions(retrain).action(async (options) => {
    const dataDir = dataDirOf(undefined, options);
    await (await import('./retrain.ts')).retrainCommand({ ...options, dataDir }, output);
  });
  addExample(retrain, 'metaheac retrain --data-dir data-dir --population population --models models');
  addEvaluate(program, output);
}

function addEvaluate(program: Command, output: Output): void {
  const evaluate = program
    .command('evaluate')
    .description('adapt a model to the test campaigns of a data set and compare it with baselines')
    .requiredOption('--data <dir>', 'data set folder', existing)
    .requiredOption('--model <dir>', 'model folder', existing)
    .option(
      '--beside <path>',
      'another model folder to measure on the same trials, or scores of any model (FILE.csv, FILE.csv.gz: ' +
        'campaign_id,user_id,score); may be repeated',
      existingOnes,
      [],
    )
    .option('--raw', 'also evaluate models without adapting them to seeds')
    .option('--json', 'print one JSON object on stdout')
    .option('--report <file>', 'write a page with plots and tables (one HTML file)')
    .option('--plots <dir>', 'write the plots as SVG files')
    .option('--repeats <n>', 'number of repeats with different random numbers', positiveInteger, 3)
    .option('--seed <n>', 'random seed', wholeNumber, 0)
    .addOption(deviceOption())
    .action(async (options) => (await import('./evaluate.ts')).evaluateCommand(options, output));
  addExample(evaluate, 'metaheac evaluate --data data --model models/first --report report.html');
}

function addTrainingOptions(command: Command): Command {
  return command
    .option('--name <name>', 'name of the model', 'metaheac')
    .addOption(
      new Option('--recipe <name>', 'model architecture and training procedure')
        .choices(['meta-heads', 'published'])
        .default('meta-heads'),
    )
    .option(
      '--maximum-tokens <n>',
      'maximum number of tokens of a user feature; rarer tokens are left out',
      positiveInteger,
      1_000_000,
    )
    .option('--task-count <n>', 'number of campaigns per meta-step (default: 4; published: 5)', positiveInteger)
    .option('--num-expert <n>', 'number of experts (default: 8)', positiveInteger)
    .option('--num-output <n>', 'number of critics (default: 5)', positiveInteger)
    .option(
      '--batchsize <n>',
      'number of rows in each support batch and each query batch (default: 512)',
      positiveInteger,
    )
    .option('--seed <n>', 'random seed (default: 2020)', wholeNumber)
    .option('--embedding <k>', 'embedding dimension (default: 16)', positiveInteger)
    .option('--inner-rate <rate>', 'learning rate for the inner step (default: 0.0002)', positiveNumber)
    .option('--outer-rate <rate>', "Adam's learning rate for the outer step (default: 0.001)", positiveNumber)
    .option('--steps <n>', 'number of meta-steps (default: 400; published: 600)', positiveInteger)
    .option('--first-order', 'leave out the second-order term of the meta-gradient')
    .option(
      '--threads <n>',
      'number of compute threads, which does not affect the model (default: one per processor)',
      positiveInteger,
    )
    .addOption(new Option('--device <device>', 'auto, cpu, cuda or cuda:N (default: auto)').conflicts('gpu'))
    .addOption(new Option('--gpu <n>', 'alias of --device cuda:N').argParser(wholeNumber));
}

/** Checks that exactly one source is given: a data set, or a population with or without a service's campaigns. */
function checkTrainSource(command: Command): void {
  const { data, population, selfSupervised = false, dataDir, fromService = dataDir } = command.opts();
  if (population === undefined && (selfSupervised || fromService !== undefined))
    command.error("error: required option '--population <dir>' not specified");
  if (data === undefined && population === undefined)
    command.error(
      "error: required option '--data <dir>' not specified (or --population <dir> with --data-dir <dir> or " +
        '--self-supervised)',
    );
  if (data !== undefined && population !== undefined)
    command.error("error: give '--data' or '--population', not both: they are different sources");
  if (population !== undefined && selfSupervised === (fromService !== undefined))
    command.error(
      "error: '--population' has only users: give '--data-dir <dir>' for campaigns, or '--self-supervised'",
    );
}
