/**
 * `npm run bench [-- NAME ..] [--json] [--quick] [--markdown] [--users N] [--peer FILE]
 * [--write PAGE]`: each benchmark prints figures
 * and ratios, measured in turn in one run. `npm run bench -- cluster ..` has its own arguments.
 */
import { parseArgs } from 'node:util';
import { positiveInteger } from '../../src/cli/options.ts';
import { AppError } from '../../src/lib/errors.ts';
import { benchAdaptation } from './adaptation.bench.ts';
import { benchCampaign } from './campaign.bench.ts';
import { benchCluster } from './cluster/command.ts';
import { benchDelivery } from './delivery.bench.ts';
import { benchGrowth } from './growth.bench.ts';
import { benchImport } from './import.bench.ts';
import { benchLookups } from './lookups.bench.ts';
import { machineLine, thisMachine } from './machine.ts';
import { benchOverload } from './overload.bench.ts';
import { writeTable } from './page.ts';
import { type Benchmark, renderReport } from './report.ts';
import { benchScoring } from './scoring.bench.ts';
import { benchServing } from './serving.bench.ts';
import { benchTraining } from './training.bench.ts';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  scoring: benchScoring,
  adaptation: benchAdaptation,
  training: benchTraining,
  campaign: benchCampaign,
  growth: benchGrowth,
  serving: benchServing,
  lookups: benchLookups,
  delivery: benchDelivery,
  overload: benchOverload,
  import: benchImport,
};

const note = (line: string) => process.stderr.write(`${line}\n`);
const args = process.argv.slice(2);
try {
  if (args[0] === 'cluster')
    for (const line of await benchCluster(args.slice(1), note)) process.stdout.write(`${line}\n`);
  else await runBenchmarks(args);
} catch (error) {
  const isUsage = error instanceof AppError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  if (!isUsage) throw error;
  note((error as Error).message);
  process.exitCode = 2;
}

async function runBenchmarks(given: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...given],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      markdown: { type: 'boolean' },
      peer: { type: 'string' },
      users: { type: 'string' },
      write: { type: 'string' },
    },
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(BENCHMARKS, name));
  if (unknown.length > 0) {
    const names = [...Object.keys(BENCHMARKS), 'cluster'].join(', ');
    throw new AppError('invalid_argument', `no benchmark is called ${unknown.join(', ')}: there are ${names}`);
  }
  const machine = thisMachine();
  process.stdout.write(`${machineLine(machine)}\n`);
  const users = values.users === undefined ? null : positiveInteger(values.users);
  const options = { quick: values.quick ?? false, users, peer: values.peer ?? null, note };
  for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHMARKS)) {
    const report = await BENCHMARKS[name]!(options);
    for (const line of renderReport(name, report)) process.stdout.write(`${line}\n`);
    const { results, ratios, markdown = [] } = report;
    if (values.markdown) for (const line of markdown) process.stdout.write(`${line}\n`);
    if (values.write !== undefined) writeTable(values.write, name, [machineLine(machine), '', ...markdown]);
    if (values.json) process.stdout.write(`${JSON.stringify({ name, machine, results, ratios })}\n`);
  }
}
