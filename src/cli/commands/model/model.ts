/**
 * The commands for models: `model show`, `import`, `diff` and `verify` read folders, and `promote`, `list` and
 * `rollback` call a service; `publish` and `pull` use the object storage of a cluster.
 */
import { type Command, Option } from 'commander';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import { deviceOption, existing } from '../../options.ts';
import { addSettings, blobsOf, keyOf, serviceOf } from '../../settings.ts';

const url = () => new Option('--url <url>', 'address of the running service');

export function addModelCommands(program: Command, output: Output): void {
  const model = program.command('model').description('model folders');
  addExample(
    model
      .command('show')
      .description('print the contents of a model')
      .argument('<dir>', 'model folder', existing)
      .option('--adaptation', 'also print the graphs that adaptation runs')
      .action(async (dir, options) => (await import('./import.ts')).modelShowCommand(dir, options, output)),
    'metaheac model show models/demo',
  );
  addExample(
    model
      .command('import')
      .description(
        'turn an ONNX file exported by PyTorch into a model folder, after checking everything that the service ' +
          'needs',
      )
      .argument('<file>', 'ONNX file', existing)
      .option('--schema <file>', 'schema.json: describes the inputs of the ONNX file', existing)
      .option('--out <dir>', 'model folder to write')
      .option('--name <name>', "name of the model (default: the schema's or the file's)")
      .addOption(
        new Option('--infer', 'print a proposed schema.json and write nothing').conflicts(['schema', 'out', 'name']),
      )
      .hook('preAction', (command) => {
        const options = command.opts();
        for (const option of options['infer'] ? [] : ['schema', 'out'])
          if (options[option] === undefined) command.error(`error: required option '--${option}' not specified`);
      })
      .action(async (file, options) => {
        const { modelImportCommand, modelInferCommand } = await import('./import.ts');
        await (options.infer ? modelInferCommand(file, output) : modelImportCommand(file, options, output));
      }),
    'metaheac model import model.onnx --schema schema.json --out models/imported',
  );
  addExample(
    model
      .command('diff')
      .description('print the differences between two models')
      .argument('<before>', 'model folder', existing)
      .argument('<after>', 'model folder', existing)
      .action(async (before, after) => (await import('./diff.ts')).modelDiffCommand(before, after, output)),
    'metaheac model diff models/first models/second',
  );
  addExample(
    model
      .command('verify')
      .description(
        'load a model as the service would, and check its checksums, schema, weights, golden batch and derivative',
      )
      .argument('<dir>', 'model folder', existing)
      .addOption(deviceOption())
      .action(async (dir, options) => (await import('./verify.ts')).modelVerifyCommand(dir, options, output)),
    'metaheac model verify models/demo',
  );
  addServedModelCommands(model, output);
  addSharedModelCommands(model, output);
}

/** Adds the commands that share models between the hosts of a cluster. */
function addSharedModelCommands(model: Command, output: Output): void {
  addExample(
    addSettings(model.command('publish'), ['METAHEAC_BLOBS'])
      .description('store a model in the object storage of a cluster, after checking the model as `model verify` does')
      .argument('<dir>', 'model folder', existing)
      .action(async (dir, options) => (await import('./share.ts')).modelPublishCommand(dir, blobsOf(options), output)),
    'metaheac model publish models/second --blobs s3://bucket/prefix',
  );
  addExample(
    addSettings(model.command('pull'), ['METAHEAC_BLOBS'])
      .description('copy a published model from the object storage of a cluster into a folder of models')
      .argument('<version>', 'version of the model')
      .requiredOption('--out <dir>', 'folder of models; the copy is a folder in it, named after the version')
      .action(async (version, options) =>
        (await import('./share.ts')).modelPullCommand(version, blobsOf(options), options, output),
      ),
    'metaheac model pull 1ca2c5b70a4f --blobs s3://bucket/prefix --out models',
  );
}

/** Adds the commands that show the served model or switch to another model. */
function addServedModelCommands(model: Command, output: Output): void {
  addExample(
    addSettings(model.command('promote'), ['METAHEAC_DATA_DIR', 'METAHEAC_API_KEY'])
      .description('copy a model into the data folder of a service, which checks and serves the model')
      .argument('<dir>', 'model folder', existing)
      .addOption(url().default(undefined, 'none: the service will serve the model after its next restart'))
      .option('--json', 'print one JSON object on stdout')
      .action(async (dir, options) => {
        const service = { ...options, ...serviceOf(options) };
        await (await import('./promote.ts')).modelPromoteCommand(dir, service, output);
      }),
    'metaheac model promote models/second --data-dir data-dir --url http://127.0.0.1:8080',
  );
  addExample(
    addSettings(model.command('list'), ['METAHEAC_API_KEY'])
      .description('list the models of a running service, starting with the served model')
      .addOption(url().makeOptionMandatory())
      .option('--json', 'print one JSON object on stdout')
      .action(async (options) => {
        const service = { ...options, key: keyOf(options) };
        await (await import('./served-models.ts')).modelListCommand(service, output);
      }),
    'metaheac model list --url http://127.0.0.1:8080',
  );
  addExample(
    addSettings(model.command('rollback'), ['METAHEAC_API_KEY'])
      .description('make a running service return to its previous model')
      .addOption(url().makeOptionMandatory())
      .option('--from <version>', 'version of the model to replace (default: the served model)')
      .option('--json', 'print one JSON object on stdout')
      .action(async (options) => {
        const service = { ...options, key: keyOf(options) };
        await (await import('./served-models.ts')).modelRollbackCommand(service, output);
      }),
    'metaheac model rollback --url http://127.0.0.1:8080',
  );
}
