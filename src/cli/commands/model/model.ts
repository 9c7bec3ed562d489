/** The commands of model folders: `model show`, `import`, `diff`, `verify`, and those that switch a service's model. */
import { type Command, Option } from 'commander';
import type { Output } from '../../../lib/output.ts';
import { deviceOption } from '../../options.ts';
import { addModelSwitchCommands } from './switch.ts';

export function addModelCommands(program: Command, output: Output): void {
  const model = program.command('model').description('model folders');
  model
    .command('show')
    .description('print the contents of a model')
    .argument('<dir>', 'model folder')
    .option('--adaptation', 'also print the graphs that adaptation runs')
    .action(async (dir, options) => (await import('./show.ts')).modelShowCommand(dir, options, output));
  model
    .command('import')
    .description(
      'turn an ONNX file exported by PyTorch into a model folder, after checking everything that the service ' +
        'needs',
    )
    .argument('<file>', 'ONNX file')
    .option('--schema <file>', 'schema.json: describes its inputs')
    .option('--out <dir>', 'model folder to write')
    .option('--name <name>', "name of the model (default: the schema's or the file's)")
    .addOption(
      new Option('--infer', 'print a proposed schema.json and write nothing').conflicts(['schema', 'out', 'name']),
    )
    .action(async (file, options, command: Command) => {
      for (const option of options.infer ? [] : (['schema', 'out'] as const))
        if (options[option] === undefined) command.error(`error: required option '--${option}' not specified`);
      const { modelImportCommand, modelInferCommand } = await import('./import.ts');
      await (options.infer ? modelInferCommand(file, output) : modelImportCommand(file, options, output));
    });
  model
    .command('diff')
    .description('print the differences between two models')
    .argument('<before>', 'model folder')
    .argument('<after>', 'model folder')
    .action(async (before, after) => (await import('./diff.ts')).modelDiffCommand(before, after, output));
  model
    .command('verify')
    .description('load a model as the service would: checksums, schema, weights, golden batch, derivative')
    .argument('<dir>', 'model folder')
    .addOption(deviceOption())
    .action(async (dir, options) => (await import('./verify.ts')).modelVerifyCommand(dir, options, output));
  addModelSwitchCommands(model, output);
}
