/**
 * `npm run lab -- COMMAND ..`: measures the quality of this repository's models, and writes the data sets that the
 * measurements use.
 */
import { AppError } from '../../src/lib/errors.ts';
import { chosen } from './options.ts';
import { runPredictions } from './predictions/command.ts';
import { runQuality } from './quality/run.ts';
import { runScenario } from './scenarios/catalogue.ts';

type Command = (args: readonly string[], note: (line: string) => void) => Promise<readonly string[]>;

const COMMANDS = { scenario: runScenario, predictions: runPredictions, quality: runQuality } satisfies Readonly<
  Record<string, Command>
>;

const note = (line: string) => process.stderr.write(`${line}\n`);
const [name = '', ...args] = process.argv.slice(2);
try {
  const command: Command = COMMANDS[chosen('command', name, Object.keys(COMMANDS) as (keyof typeof COMMANDS)[])];
  for (const line of await command(args, note)) process.stdout.write(`${line}\n`);
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  note(error.message);
  process.exitCode = error.code === 'invalid_argument' ? 2 : 1;
}
