/** `npm run lab -- quality`: measures the default model compared with baselines and the published recipe. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { PAST_CAMPAIGNS } from '../../../src/population/read.ts';
import { evaluate } from '../../../src/training/evaluation/evaluate.ts';
import { DEFAULT_TRAIN_SETTINGS, PUBLISHED_TRAIN_SETTINGS } from '../../../src/training/settings.ts';
import { chosen, FLAG, invalid, parseOptions, TEXT, TEXTS, wholeNumber } from '../options.ts';
import { reportPredictions } from '../predictions/agreement.ts';
import { measurePredictions } from '../predictions/measure.ts';
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from '../scenarios/catalogue.ts';
import { writeScenario } from '../scenarios/scenario.ts';
import { type BenchOptions, type BenchRun, findResult, keepResult, openBenchRun, trainedModel } from './bench-run.ts';
import { deriveOnce } from './once.ts';
import { fillPage, pageOf } from './page.ts';
import { type DataSetResult, type MainResult, renderTables } from './tables.ts';

const USAGE = `quality [--data <data set folder>]... [--scenarios all|<name,..>] [--work <folder for results>]
          [--out <markdown file>] [--no-published] [--steps N] [--repeats N]
  quality --work <folder> [--out <markdown file>]                 make the tables of the stored results; nothing is run
  quality --derive once --data <data set folder> --out <folder>   derive a data set with at most one campaign per user`;

const OPTIONS = {
  data: TEXTS,
  scenarios: TEXT,
  derive: TEXT,
  out: TEXT,
  work: TEXT,
  'no-published': FLAG,
  steps: TEXT,
  repeats: TEXT,
} as const;

/**
 * Measures the given data sets and returns a page of tables. Without a data set, returns the tables of all results in
 * `--work`. With `--derive`, writes a derived data set instead.
 */
export async function runQuality(args: readonly string[], note: (line: string) => void): Promise<readonly string[]> {
  const { values } = parseOptions(args, OPTIONS, USAGE);
  const { data = [], out, work } = values;
  if (values.derive !== undefined) {
    if (values.derive !== 'once')
      throw invalid(`--derive ${values.derive} is not supported: the only supported value is \`once\``);
    if (data.length !== 1 || out === undefined) throw invalid(`--derive needs exactly one --data, and --out: ${USAGE}`);
    await deriveOnce({ data: data[0]!, out });
    return [`wrote a data set with at most one campaign per user to ${out}`];
  }
  const scenarios = readScenarios(values.scenarios);
  const options: BenchOptions = {
    steps: wholeNumber(values.steps),
    repeats: wholeNumber(values.repeats) ?? 3,
    published: !(values['no-published'] ?? false),
    note,
  };
  if (data.length + scenarios.length > 0) return write(await measure(data, scenarios, work, options), out);
  if (work === undefined) throw invalid(`--data, --scenarios and --work are missing: ${USAGE}`);
  return write(readKept(work), out);
}

function readScenarios(text: string | undefined): ScenarioName[] {
  if (text === undefined) return [];
  return (text === 'all' ? SCENARIO_NAMES : text.split(',')).map((name) => chosen('scenario', name, SCENARIO_NAMES));
}

/**
 * Returns a page with the tables of `results`, or writes it to `out` if that is set. If the file exists, only the
 * tables between its marks are replaced.
 */
function write(results: readonly DataSetResult[], out: string | undefined): readonly string[] {
  const tables = renderTables(results);
  const page = pageOf('Quality', tables);
  if (out !== undefined) writeFileSync(out, existsSync(out) ? fillPage(readFileSync(out, 'utf8'), tables) : page);
  return [page];
}

async function measure(
  data: readonly string[],
  scenarios: readonly ScenarioName[],
  kept: string | undefined,
  options: BenchOptions,
): Promise<DataSetResult[]> {
  const work = kept ?? mkdtempSync(join(tmpdir(), 'metaheac-quality-'));
  try {
    const folders = [...data];
    for (const name of scenarios) folders.push(await scenarioFolder(work, name));
    const results: DataSetResult[] = [];
    for (const folder of folders) {
      const run = await openBenchRun(folder, work, options);
      try {
        results.push({ ...(await measureDataSet(run)), name: run.name });
      } finally {
        run.prepared.close();
      }
    }
    return results;
  } finally {
    if (kept === undefined) rmSync(work, { recursive: true });
  }
}

/** Returns the folder of a scenario in `work`, which is created if it does not exist. */
async function scenarioFolder(work: string, name: ScenarioName): Promise<string> {
  const folder = join(work, name, 'data');
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  await writeScenario(SCENARIOS[name], { out: fresh, seed: '1' });
  renameSync(fresh, folder);
  return folder;
}

/** Returns the stored result, or evaluates the default model, the baselines and, if requested, the published recipe. */
async function measureDataSet(run: BenchRun): Promise<MainResult> {
  const { prepared, trials, methodOptions, options } = run;
  const { steps, repeats, published: isPublished } = options;
  const key = { steps, repeats, ...(isPublished ? {} : { published: false }) };
  const stored = findResult<MainResult>(run.folder, 'main', key);
  if (stored) return stored;
  const own = await trainedModel(run, 'default', DEFAULT_TRAIN_SETTINGS);
  const published = isPublished ? await trainedModel(run, 'published', PUBLISHED_TRAIN_SETTINGS, 'never') : null;
  const beside = published ? [published.model] : [];
  const report = await evaluate(prepared, own.model, { ...methodOptions, clock: systemClock, beside });
  const measured = await measurePredictions(prepared, own.model, trials, methodOptions);
  const result: MainResult = {
    users: prepared.population.rowCount,
    trainCampaigns: prepared.history.campaigns.filter(({ split }) => split === 'train').length,
    pastCampaigns: prepared.userFeatures.some(({ name }) => name === PAST_CAMPAIGNS),
    report,
    prediction: reportPredictions(measured, own.model.manifest.drift),
    training: own.training,
    published: published?.training ?? null,
  };
  keepResult(run.folder, 'main', key, result);
  return result;
}

/**
 * Returns the stored result of each data set.
 * @throws AppError invalid_argument if the folder does not exist
 */
function readKept(work: string): DataSetResult[] {
  if (!existsSync(work)) throw invalid(`the folder ${work} does not exist`);
  return readdirSync(work)
    .map((name) => ({ name: decodeURIComponent(name), result: findResult<MainResult>(join(work, name), 'main') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, result }) => (result ? [{ ...result, name }] : []));
}
