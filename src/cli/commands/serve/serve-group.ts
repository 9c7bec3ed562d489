/** The commands that accept the settings of a service: `serve`, `engine`, `config` and `doctor`. */
import type { Command } from 'commander';
import type { Output } from '../../../lib/output.ts';
import type { Limits } from '../../../service/limits.ts';
import { addExample } from '../../help.ts';
import { addAllSettings } from '../../settings.ts';

export function addServeCommands(program: Command, output: Output, limits: Partial<Limits>): void {
  const serve = addAllSettings(program.command('serve').description('serve campaigns over HTTP'))
    .option(
      '--adopt',
      'if the database of the data folder is missing, move the other files aside and begin with an empty database',
    )
    .action(async (options) => (await import('./serve.ts')).serveCommand(options, limits));
  addExample(serve, 'metaheac serve --data-dir data-dir --model models/demo --population population');
  addExample(
    serve,
    'metaheac serve --store postgres://db.example/metaheac --blobs s3://bucket/prefix --cache /var/cache/metaheac',
  );
  const engine = addAllSettings(
    program.command('engine').description('expand campaigns of a cluster; reads the same configuration as its nodes'),
  ).action(async (options) => (await import('./engine.ts')).engineCommand(options, limits));
  addExample(engine, 'metaheac engine --store postgres://db.example/metaheac --blobs s3://bucket/prefix --threads 8');
  const config = addAllSettings(
    program
      .command('config')
      .description('print every setting of serve with its value and origin; secrets are masked')
      .option('--json', 'print one JSON object on stdout'),
  ).action(async (options) => (await import('./config.ts')).configCommand(options, output));
  addExample(config, 'metaheac config --config metaheac.yaml');
  const doctor = addAllSettings(
    program
      .command('doctor')
      .description(
        'examine what serve needs (folders, model, population, machine) without changing anything; exit code 1 if serve ' +
          'would fail',
      )
      .option('--json', 'print one JSON object on stdout'),
  ).action(async (options) => {
    if (!(await (await import('./doctor.ts')).doctorCommand(options, output))) process.exitCode = 1;
  });
  addExample(doctor, 'metaheac doctor --config metaheac.yaml');
}
