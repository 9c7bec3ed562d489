/** The program: its command line, with a file per command that is loaded when it is called, and its exit codes. */
import { Command, CommanderError } from 'commander';
import { AppError, messageOf } from '../lib/errors.ts';
import type { Output } from '../lib/output.ts';
import type { Limits } from '../service/limits.ts';
import { addDataSetCommands } from './commands/dataset/dataset.ts';
import { addKeyCommands } from './commands/keys/keys.ts';
import { addModelCommands } from './commands/model/model.ts';
import { addPopulationCommands } from './commands/population/population.ts';
import { addServeCommands } from './commands/serve/serve-group.ts';
import { addTrainCommands } from './commands/training/training.ts';
import { addUpkeepCommands } from './commands/upkeep/upkeep.ts';
import { deviceOption, positiveInteger, wholeNumber } from './options.ts';
import { createOutput, type Terminal } from './output.ts';

const RAISE_OPEN_FILES = 'Raise the limit of open files, as with `ulimit -n 16384`.';

/**
 * Runs a command line and returns its exit code. A command that ends well with another code than 0 leaves that in
 * `process.exitCode`, and 0 is returned. `limits` are those of services that are no settings, for tests.
 */
export async function runProgram(
  args: readonly string[],
  stdout: Terminal,
  stderr: Terminal,
  limits: Partial<Limits> = {},
): Promise<number> {
  const output = createOutput(stdout, stderr);
  try {
    await createProgram(output, stdout, stderr, limits).parseAsync(args, { from: 'user' });
    return 0;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    if (isOfOpenFiles(thrown)) {
      output.note(`metaheac: ${messageOf(thrown)}. ${RAISE_OPEN_FILES}`);
      return 1;
    }
    const { appErrorOf } = await import('../model/onnx-grad.ts');
    const error = appErrorOf(thrown);
    if (error instanceof AppError || isOfTheSystem(error)) {
      output.note(`metaheac: ${error.message}`);
      return 1;
    }
    output.note(`metaheac: ${messageOf(error)}`);
    if (error instanceof Error && error.stack) output.note(error.stack);
    return 70;
  }
}

function createProgram(output: Output, stdout: Terminal, stderr: Terminal, limits: Partial<Limits>): Command {
  const program = newProgram(stdout, stderr);
  addTrainCommands(program, output);

  program
    .command('evaluate')
    .description('adapt a model to the test campaigns of a data set and compare it with baselines')
    .requiredOption('--data <dir>', 'data set folder')
    .requiredOption('--model <dir>', 'model folder')
    .option(
      '--beside <path>',
      'another model folder to measure on the same trials, or scores of any model (FILE.csv, FILE.csv.gz: ' +
        'campaign_id,user_id,score); may be repeated',
      (path: string, paths: readonly string[]) => [...paths, path],
      [],
    )
    .option('--raw', 'evaluate models as they are too, without adapting them to seeds')
    .option('--json', 'print one JSON object on stdout')
    .option('--report <file>', 'write a page with plots and tables (one HTML file)')
    .option('--plots <dir>', 'write the plots as SVG files')
    .option('--repeats <n>', 'repeats with different random numbers', positiveInteger, 3)
    .option('--seed <n>', 'seed of all random numbers', wholeNumber, 0)
    .addOption(deviceOption())
    .action(async (options) => (await import('./commands/training/evaluate.ts')).evaluateCommand(options, output));

  addPopulationCommands(program, output);

  addModelCommands(program, output);

  addDataSetCommands(program, output);

  addServeCommands(program, output, limits);

  addKeyCommands(program, output);
  addUpkeepCommands(program, output);

  program
    .command('openapi')
    .description('print the OpenAPI document')
    .option('--out <file>', 'write it to a file instead')
    .option('--check <file>', 'fail if the file differs from the document')
    .action(async (options) => (await import('./commands/openapi.ts')).openApiCommand(options, output));

  program
    .command('demo')
    .description('the main job on a synthetic population: serve, POST a campaign, print its audience')
    .option('--keep', 'leave the service running')
    .option('--data <dir>', 'a real data set instead of the synthetic one')
    .option('--model <dir>', 'a model trained on it (with --data; trained first if not given)')
    .action(async (options) => (await import('./commands/demo.ts')).demoCommand(options, output));
  return program;
}

function newProgram(stdout: Terminal, stderr: Terminal): Command {
  return new Command('metaheac')
    .description(
      'Look-alike audience expansion: train a general model, serve it, expand seed users into ranked audiences.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .showHelpAfterError('(add --help for the options)');
}

/** Of this process or of one of its threads, which pass on the message alone. */
function isOfOpenFiles(error: unknown): boolean {
  return /\bE[MN]FILE\b/.test(messageOf(error));
}

/** The operating system's refusal (no such file, no permission, no space): the caller's to mend, so no stack. */
function isOfTheSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
