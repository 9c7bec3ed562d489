/**
 * The command line: the tree of commands and their exit codes. The file of a command is loaded when the command is
 * called.
 */
import { Argument, Command, CommanderError } from 'commander';
import { AppError, messageOf, UsageError } from '../lib/errors.ts';
import type { Output } from '../lib/output.ts';
import { PACKAGE_VERSION } from '../lib/package-root.ts';
import type { Limits } from '../service/limits.ts';
import { completionScript, SHELLS } from './commands/completion.ts';
import { addDataSetCommands } from './commands/dataset/dataset.ts';
import { addKeyCommands } from './commands/keys/keys.ts';
import { addModelCommands } from './commands/model/model.ts';
import { addPopulationCommands } from './commands/population/population.ts';
import { addServeCommands } from './commands/serve/serve-group.ts';
import { addTrainCommands } from './commands/training/training.ts';
import { addUpkeepCommands } from './commands/upkeep/upkeep.ts';
import { addExample, HELP } from './help.ts';
import { existing, requireExisting } from './options.ts';
import { createOutput, type Terminal } from './output.ts';
import { addSettings, keyOf } from './settings.ts';

const RAISE_OPEN_FILES = 'Raise the limit of open files, for example with `ulimit -n 16384`.';

/** Matches the operating system's message about a missing file, including the preceding words and the path. */
const MISSING = /( can(?:not|'t) be read(?: as JSON)?: )?ENOENT: no such file or directory, \w+ '(.*?)'(?: -> '.*?')?/;

/**
 * Runs a command line and returns its exit code. If a command succeeds with an exit code other than 0, it sets
 * `process.exitCode`, and this function returns 0. `limits` overrides service limits that are not settings, for tests.
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
    const { appErrorOf } = await import('../model/onnx-grad.ts');
    return report(appErrorOf(thrown), output);
  }
}

/** Prints what went wrong and returns the exit code. */
function report(error: unknown, output: Output): number {
  const text = withoutErrno(messageOf(error));
  output.note(`metaheac: ${text}${isOfOpenFiles(error) ? `. ${RAISE_OPEN_FILES}` : ''}`);
  if (error instanceof UsageError) return 2;
  if (error instanceof AppError || isOfTheSystem(error) || isOfOpenFiles(error)) return 1;
  if (error instanceof Error && error.stack) output.note(error.stack);
  return 70;
}

/**
 * Replaces the operating system's words about a missing file with "not found". The rest of the message stays, because
 * it names the purpose of the file and the remedy. Only the text is examined, because an error from a thread has only
 * its text.
 */
export function withoutErrno(message: string): string {
  return message.replace(MISSING, (_, unread: string | undefined, path: string, at: number) => {
    if (unread !== undefined) return ': not found';
    return message.slice(0, at).includes(path) ? 'not found' : `${path}: not found`;
  });
}

export function createProgram(
  output: Output,
  stdout: Terminal,
  stderr: Terminal,
  limits: Partial<Limits> = {},
): Command {
  const program = newProgram(stdout, stderr);
  addTrainCommands(program, output);
  addPopulationCommands(program, output);
  addModelCommands(program, output);
  addDataSetCommands(program, output);
  addServeCommands(program, output, limits);
  addKeyCommands(program, output);
  addUpkeepCommands(program, output);
  addOtherCommands(program, output);
  checkPaths(program);
  return program;
}

function addOtherCommands(program: Command, output: Output): void {
  const openapi = program
    .command('openapi')
    .description('print the OpenAPI document')
    .option('--out <file>', 'file to write the document to (default: stdout)')
    .option('--check <file>', 'compare a file with the document, and fail if they differ', existing)
    .action(async (options) => (await import('./commands/openapi.ts')).openApiCommand(options, output));
  addExample(openapi, 'metaheac openapi --out openapi.yaml');
  const demo = program
    .command('demo')
    .description('demonstrate the main job on a synthetic population: serve, create a campaign, and print its audience')
    .option('--keep', 'keep the service running after the demo')
    .option('--cluster', 'start Postgres, object storage, two nodes and two engines, and kill an engine at work')
    .option('--data <dir>', 'data set folder (default: a synthetic data set)', existing)
    .option('--model <dir>', 'with --data: a model trained on the data set (default: train a model first)', existing)
    .action(async (options) => (await import('./commands/demo.ts')).demoCommand(options, output));
  addExample(demo, 'metaheac demo --keep');
  const mcp = addSettings(program.command('mcp'), ['METAHEAC_API_KEY'])
    .description('serve the tools of a running service to an agent (Model Context Protocol on stdin and stdout)')
    .requiredOption('--url <url>', 'address of the running service')
    .action(async ({ url, ...options }) => (await import('./commands/mcp.ts')).mcpCommand(url, keyOf(options), output));
  addExample(mcp, 'metaheac mcp --url http://127.0.0.1:8080');
  const completion = program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell) => output.result(completionScript(program, shell).trimEnd()));
  addExample(completion, 'source <(metaheac completion bash)');
}

/** Runs after the command's own checks, so an invalid command line is refused before any path is examined. */
function checkPaths(command: Command): void {
  command.commands.forEach(checkPaths);
  if (command.commands.length === 0) command.hook('preAction', requireExisting);
}

function newProgram(stdout: Terminal, stderr: Terminal): Command {
  return (
    new Command('metaheac')
      .description(
        'Look-alike audience expansion: train a general model, serve it, expand seed users into ranked audiences.',
      )
      .version(PACKAGE_VERSION, '--version', 'print the version')
      // a command may have an option `--version` of its own
      .enablePositionalOptions()
      .helpCommand(false)
      .configureHelp(HELP)
      .exitOverride()
      .configureOutput({
        writeOut: (text) => void stdout.write(text),
        writeErr: (text) => void stderr.write(text),
        outputError: (text, write) => write(text.replace(/^error: /, 'metaheac: ')),
      })
      .showHelpAfterError('(add --help for the options)')
  );
}

/**
 * Whether the process has run out of open files. Only the message is examined, because an error from a thread has only
 * its message.
 */
function isOfOpenFiles(error: unknown): boolean {
  return /\bE[MN]FILE\b/.test(messageOf(error));
}

/**
 * Whether the operating system reported an error (no such file, no permission, no space). The caller has to fix such an
 * error, so no stack is shown.
 */
function isOfTheSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
