/** The command line: one file a command, each loaded when it is called. */
import { Command, CommanderError, Option } from 'commander';
import { AppError, messageOf } from '../lib/errors.ts';
import { SHAPE_NAMES } from '../offline/shapes/names.ts';
import { columnNames, positiveInteger, positiveNumber, wholeNumber } from './options.ts';
import { createOutput } from './output.ts';

const output = createOutput(process.stdout, process.stderr);
// A reader that went away (`| head`) is no failure: there is nobody left to write results for, but a service goes on
// without its notes.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const device = () => new Option('--device <device>', 'auto, cpu, cuda or cuda:N').default('auto');

const program = new Command('metaheac')
  .description(
    'Look-alike audience expansion: train a general model, serve it, expand seed users into ranked audiences.',
  )
  .exitOverride()
  .showHelpAfterError('(add --help for the options)');

program
  .command('train')
  .description('meta-train a general model on the past campaigns of a data set')
  .requiredOption('--data <dir>', 'data set folder')
  .requiredOption('--out <dir>', 'model folder to write')
  .option('--name <name>', 'name of the model', 'metaheac')
  .addOption(
    new Option('--recipe <name>', 'what the model is made of and how it is trained')
      .choices(['meta-heads', 'published'])
      .default('meta-heads'),
  )
  .addOption(
    new Option(
      '--past-campaigns <when>',
      'past campaigns as a user feature: auto (where train campaigns say that they help), always, or ' +
        'never (the service will not have the history of its users)',
    )
      .choices(['auto', 'always', 'never'])
      .default('auto'),
  )
  .option('--task-count <n>', 'campaigns a meta-step', positiveInteger)
  .option('--num-expert <n>', 'experts', positiveInteger)
  .option('--num-output <n>', 'critics', positiveInteger)
  .option('--batchsize <n>', 'rows of a support batch, and of a query batch', positiveInteger)
  .option('--seed <n>', 'seed of every random draw', wholeNumber)
  .option('--embedding <k>', 'embedding dimension', positiveInteger)
  .option('--inner-rate <rate>', 'rate of the inner step', positiveNumber)
  .option('--outer-rate <rate>', "Adam's rate of the outer step", positiveNumber)
  .option('--steps <n>', 'meta-steps', positiveInteger)
  .option('--first-order', 'leave out the second-order term')
  .option('--resume', 'go on from the checkpoint of an interrupted training')
  .option(
    '--threads <n>',
    'threads that compute; the model does not depend on it (default: one a processor)',
    positiveInteger,
  )
  .addOption(new Option('--device <device>', 'auto, cpu, cuda or cuda:N').conflicts('gpu'))
  .addOption(new Option('--gpu <n>', 'the same as --device cuda:N').argParser(wholeNumber))
  .action(async (options) => (await import('./commands/train.ts')).trainCommand(options, output));

program
  .command('evaluate')
  .description('adapt a model to the test campaigns of a data set and measure it beside baselines')
  .requiredOption('--data <dir>', 'data set folder')
  .requiredOption('--model <dir>', 'model folder')
  .option(
    '--beside <path>',
    'another model folder to measure by the same trials, or scores of any model (FILE.csv, ' +
      'FILE.csv.gz: campaign_id,user_id,score); may be given again',
    (path: string, paths: readonly string[]) => [...paths, path],
    [],
  )
  .option('--json', 'print one JSON object on stdout')
  .option('--report <file>', 'write a page with plots and tables (one HTML file)')
  .option('--plots <dir>', 'write the plots as SVG files')
  .option('--repeats <n>', 'repeats with other draws', positiveInteger, 3)
  .option('--seed <n>', 'seed of every random draw', wholeNumber, 0)
  .addOption(device())
  .action(async (options) => (await import('./commands/evaluate.ts')).evaluateCommand(options, output));

const population = program.command('population').description('populations');
population
  .command('import')
  .description('import users as a new version of a population: files as a schema says, or those of a data set')
  .argument('[sources...]', 'Parquet, CSV (also .gz, .zst) or NDJSON: paths, patterns, https:// or s3:// addresses')
  .option('--schema <file>', 'schema.json: which columns of the files are what')
  .option('--data <dir>', 'data set folder, in place of files and schema')
  .option('--model <dir>', 'model folder: with --data its user features are imported; with files it is compared')
  .requiredOption('--out <dir>', 'population folder; made if it is not there')
  .option(
    '--column <name=column>',
    'the column of user_id, or of a feature; may be given again',
    columnNames,
    new Map(),
  )
  .option('--max-bad-rows <n>', 'bad rows that may be left out', wholeNumber, 0)
  .addOption(
    new Option('--duplicates <what>', 'a user who is there more than once: an error, or the last row wins')
      .choices(['error', 'last'])
      .default('error'),
  )
  .option('--memory <mib>', 'what DuckDB may hold in memory, in MiB (default: 1024)', positiveInteger)
  .option('--maximum-tokens <n>', 'most tokens in one list', positiveInteger)
  .action(async (sources, options, command: Command) => {
    if (sources.length > 0 && options.data !== undefined) command.error("error: give files or '--data', not both");
    for (const option of sources.length > 0 ? (['schema'] as const) : (['data', 'model'] as const))
      if (options[option] === undefined) command.error(`error: required option '--${option} <path>' not specified`);
    if (sources.length === 0) {
      await (await import('./commands/population-import.ts')).populationImportCommand(options, output);
    } else {
      const { populationImportFilesCommand } = await import('./commands/population-import-files.ts');
      await populationImportFilesCommand(sources, options, output);
    }
  });
population
  .command('schema')
  .description('propose a schema.json for files of users, to be edited')
  .argument('<sources...>', 'Parquet, CSV or NDJSON files')
  .requiredOption('--infer', 'read the files and print a proposal')
  .option('--rows <n>', 'rows that are looked at', positiveInteger, 1_000_000)
  .action(async (sources, options) =>
    (await import('./commands/population-schema.ts')).populationSchemaCommand(sources, options, output),
  );

const model = program.command('model').description('model folders');
model
  .command('show')
  .description('print what a model is made of')
  .argument('<dir>', 'model folder')
  .option('--adaptation', 'print the graphs that adaptation runs too')
  .action(async (dir, options) => (await import('./commands/model-show.ts')).modelShowCommand(dir, options, output));
model
  .command('import')
  .description('make a model folder of an ONNX file that PyTorch exported, after trying all that the service needs')
  .argument('<file>', 'ONNX file')
  .option('--schema <file>', 'schema.json: what its inputs are')
  .option('--out <dir>', 'model folder to write')
  .option('--name <name>', "name of the model; else the schema's or the file's")
  .addOption(
    new Option('--infer', 'print a proposed schema.json and write nothing').conflicts(['schema', 'out', 'name']),
  )
  .action(async (file, options, command: Command) => {
    for (const option of options.infer ? [] : (['schema', 'out'] as const))
      if (options[option] === undefined) command.error(`error: required option '--${option}' not specified`);
    const { modelImportCommand, modelInferCommand } = await import('./commands/model-import.ts');
    await (options.infer ? modelInferCommand(file, output) : modelImportCommand(file, options, output));
  });
model
  .command('diff')
  .description('print what is different between two models')
  .argument('<before>', 'model folder')
  .argument('<after>', 'model folder')
  .action(async (before, after) => (await import('./commands/model-diff.ts')).modelDiffCommand(before, after, output));
model
  .command('verify')
  .description('load a model as the service would: checksums, schema, weights, golden batch, derivative')
  .argument('<dir>', 'model folder')
  .addOption(device())
  .action(async (dir, options) =>
    (await import('./commands/model-verify.ts')).modelVerifyCommand(dir, options, output),
  );

const dataSet = program.command('dataset').description('data sets');
dataSet
  .command('generate')
  .description('write a synthetic data set with planted tastes')
  .requiredOption('--out <dir>', 'folder to write; it must not be there')
  .option('--users <n>', 'people', positiveInteger, 50_000)
  .option('--train-campaigns <n>', 'campaigns to train on', positiveInteger, 40)
  .option('--test-campaigns <n>', 'campaigns to evaluate on', positiveInteger, 12)
  .option('--seed <n>', 'seed of people and campaigns', wholeNumber, 1)
  .option('--world <name>', 'what tokens mean: data sets of one world fit one model', 'demo')
  .addOption(
    new Option('--shape <name>', 'another kind of data set than people with traits, of its own size')
      .choices(SHAPE_NAMES)
      .conflicts(['users', 'trainCampaigns', 'testCampaigns', 'world']),
  )
  .action(async (options) => (await import('./commands/dataset-generate.ts')).datasetGenerateCommand(options, output));

program
  .command('serve')
  .description('serve campaigns over HTTP (every flag is also an environment variable: METAHEAC_DATA_DIR ...)')
  .option('--data-dir <dir>', 'folder of the database, seeds and audiences')
  .option('--model <dir>', 'model folder')
  .option('--population <dir>', 'population folder')
  .option('--port <port>', 'port; 0 takes a free one')
  .option('--host <host>', 'address; one that is not loopback needs METAHEAC_API_KEY')
  .option('--device <device>', 'auto, cpu, cuda or cuda:N')
  .option('--threads <n>', "the engine's threads")
  .action(async (options) => (await import('./commands/serve.ts')).serveCommand(options, output));

program
  .command('openapi')
  .description('print the OpenAPI document')
  .option('--out <file>', 'write it to a file')
  .option('--check <file>', 'fail where the file is another document')
  .action(async (options) => (await import('./commands/openapi.ts')).openApiCommand(options, output));

program
  .command('demo')
  .description('the main job on a synthetic population: serve, POST a campaign, print its audience')
  .option('--keep', 'leave the service running')
  .option('--data <dir>', 'a real data set in place of the synthetic one')
  .option('--model <dir>', 'a model trained on it (with --data; trained first if not given)')
  .action(async (options) => (await import('./commands/demo.ts')).demoCommand(options, output));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof AppError || isOfTheSystem(error)) {
    output.note(`metaheac: ${error.message}`);
    process.exitCode = 1;
  } else {
    output.note(`metaheac: ${messageOf(error)}`);
    if (error instanceof Error && error.stack) output.note(error.stack);
    process.exitCode = 70;
  }
}

/** The operating system's refusal (no such file, no permission, no space): the caller's to mend, so no stack. */
function isOfTheSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
