/**
 * `npm run bench [-- name ...]`: each benchmark prints ratios of two ways measured in turn in one run. `npm run bench
 * -- quality ..` has arguments of its own.
 */
import { cpus } from 'node:os';
import { AppError } from '../../src/lib/errors.ts';
import { benchAdaptation } from './adaptation.bench.ts';
import { benchAudience } from './audience.bench.ts';
import { benchLatentStart } from './latent.bench.ts';
import { benchQuality } from './quality.bench.ts';
import { benchRegression } from './regression.bench.ts';
import { benchScoring } from './scoring.bench.ts';
import { benchTraining } from './training.bench.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  adaptation: benchAdaptation,
  audience: benchAudience,
  latent: benchLatentStart,
  regression: benchRegression,
  scoring: benchScoring,
  training: benchTraining,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !BENCHMARKS[name]);
const refuse = (message: string): void => {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
};
if (asked[0] === 'quality') {
  const note = (line: string) => process.stderr.write(`${line}\n`);
  try {
    for (const line of await benchQuality(asked.slice(1), note)) process.stdout.write(`${line}\n`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    refuse(error.message);
  }
} else if (unknown.length > 0) {
  refuse(
    `no benchmark is called ${unknown.join(', ')}: there are ${[...Object.keys(BENCHMARKS), 'quality'].join(', ')}`,
  );
} else {
  process.stdout.write(`${cpus().length} x ${cpus()[0]?.model ?? 'processor'}, Node ${process.version}\n`);
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    for (const line of await run()) process.stdout.write(`${name}: ${line}\n`);
  }
}
