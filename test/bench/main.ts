/** `npm run bench [-- name ...]`: each benchmark prints ratios of two ways measured in turn in one run. */
import { cpus } from 'node:os';
import { benchAdaptation } from './adaptation.bench.ts';
import { benchLatentStart } from './latent.bench.ts';
import { benchScoring } from './scoring.bench.ts';
import { benchTraining } from './training.bench.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  adaptation: benchAdaptation,
  latent: benchLatentStart,
  scoring: benchScoring,
  training: benchTraining,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !BENCHMARKS[name]);
if (unknown.length > 0) {
  process.stderr.write(
    `no benchmark is called ${unknown.join(', ')}: there are ${Object.keys(BENCHMARKS).join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  process.stdout.write(`${cpus().length} x ${cpus()[0]?.model ?? 'processor'}, Node ${process.version}\n`);
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    for (const line of await run()) process.stdout.write(`${name}: ${line}\n`);
  }
}
