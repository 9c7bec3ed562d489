/** How good audiences are: the default model beside baselines and the published recipe, what each part of it brings, and AUC by number of seeds. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/lib/clock.ts';
import { AppError } from '../../src/lib/errors.ts';
import { ABLATIONS, type WholeName } from './quality/ablations.ts';
import { type BenchRun, openBenchRun } from './quality/bench-run.ts';
import { fillPage, pageOf } from './quality/page.ts';
import {
  type AblationResult,
  type CurvePoint,
  type MainResult,
  runAblation,
  runCurve,
  runMain,
  runWhole,
  type WholeResult,
} from './quality/parts.ts';
import { type DataSetResults, renderTables } from './quality/tables.ts';

const USAGE =
  'quality --data <data set folder> [--data ..] [--out <markdown file>] [--work <folder that keeps what is done>] [--only <part,..>] [--steps N] [--repeats N]';
const PARTS: readonly string[] = ['main', ...ABLATIONS.map(({ name }) => name), 'curve'];

/** Runs the parts that were asked for, and gives the tables of all that `--work` knows. */
export async function benchQuality(args: readonly string[], note: (line: string) => void): Promise<readonly string[]> {
  const { data, out, work: kept, only, steps, repeats } = readArguments(args);
  const work = kept ?? mkdtempSync(join(tmpdir(), 'metaheac-quality-'));
  try {
    const results: DataSetResults[] = [];
    for (const folder of data) {
      const run = await openBenchRun(folder, work, { steps, repeats, note });
      try {
        results.push(await runParts(run, only));
      } finally {
        run.workspace.close();
      }
    }
    const tables = renderTables(results);
    const page = pageOf('Quality', tables);
    if (out !== null) writeFileSync(out, existsSync(out) ? fillPage(readFileSync(out, 'utf8'), tables) : page);
    return [page];
  } finally {
    if (kept === null) rmSync(work, { recursive: true });
  }
}

async function runParts(run: BenchRun, only: readonly string[]): Promise<DataSetResults> {
  const { store, options } = run;
  const { steps, repeats } = options;
  const key = { steps, repeats };
  const part = async <T>(name: string, work: () => Promise<T>): Promise<T | null> => {
    if (!only.includes(name)) return store.find<T>(name);
    const done = store.find<T>(name, key);
    if (done !== null) return done;
    run.note(name);
    const start = systemClock.elapsed();
    const value = await work();
    store.keep(name, key, value);
    run.note(`${name}: ${((systemClock.elapsed() - start) / 1000).toFixed(0)} s`);
    return value;
  };
  const main = await part<MainResult>('main', () => runMain(run));
  const wholes = new Map<WholeName, WholeResult>();
  const wholeOf = async (name: WholeName): Promise<WholeResult> => {
    const done = wholes.get(name) ?? store.find<WholeResult>(`whole-${name}`, key);
    const value = done ?? (await runWhole(run, name));
    if (done === null) store.keep(`whole-${name}`, key, value);
    wholes.set(name, value);
    return value;
  };
  const ablations = new Map<string, AblationResult>();
  for (const ablation of ABLATIONS) {
    const { name, of = 'reference' } = ablation;
    const result = await part(name, async () => runAblation(run, ablation, await wholeOf(of)));
    if (result) ablations.set(name, result);
  }
  const reference = store.find<WholeResult>('whole-reference');
  const curve = await part<readonly CurvePoint[]>('curve', () => runCurve(run));
  return { name: run.name, main, reference, ablations, curve };
}

interface Arguments {
  readonly data: readonly string[];
  readonly out: string | null;
  readonly work: string | null;
  readonly only: readonly string[];
  readonly steps: number | null;
  readonly repeats: number;
}

/** @throws AppError invalid_argument */
function readArguments(args: readonly string[]): Arguments {
  const text = { type: 'string' } as const;
  const { values } = parse(() =>
    parseArgs({
      args: [...args],
      options: { data: { ...text, multiple: true }, out: text, work: text, only: text, steps: text, repeats: text },
    }),
  );
  const { data = [], out = null, work = null, only, steps, repeats } = values;
  if (data.length === 0) throw new AppError('invalid_argument', `no data set: ${USAGE}`);
  const asked = only?.split(',') ?? PARTS;
  const unknown = asked.filter((name) => !PARTS.includes(name));
  if (unknown.length > 0)
    throw new AppError('invalid_argument', `no part is called ${unknown.join(', ')}: there are ${PARTS.join(', ')}`);
  return { data, out, work, only: asked, steps: wholeNumber(steps), repeats: wholeNumber(repeats) ?? 3 };
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new AppError('invalid_argument', `${(cause as Error).message}: ${USAGE}`, { cause });
  }
}

function wholeNumber(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new AppError('invalid_argument', `${text} is not a whole number of at least 1`);
  return value;
}
