/** Parses the arguments of `npm run lab -- quality`. */
import { chosen, FLAG, invalid, parseOptions, TEXT, TEXTS, wholeNumber } from '../options.ts';
import { SCENARIO_NAMES, type ScenarioName } from '../scenarios/catalogue.ts';
import { ABLATIONS } from './ablations.ts';

const USAGE = `quality [--data <data set folder>]... [--scenarios all|<name,..>] [--work <folder for finished parts>]
          [--out <markdown file>] [--only <part,..>] [--no-published] [--steps N] [--repeats N]
  quality --work <folder> [--out <markdown file>]                 make the tables of the finished parts; nothing is run
  quality --derive once --data <data set folder> --out <folder>   derive a data set with at most one campaign per user`;

const OPTIONS = {
  data: TEXTS,
  scenarios: TEXT,
  derive: TEXT,
  out: TEXT,
  work: TEXT,
  only: TEXT,
  'no-published': FLAG,
  steps: TEXT,
  repeats: TEXT,
} as const;

const PARTS: readonly string[] = ['main', ...ABLATIONS.map(({ name }) => name)];

export interface RunArguments {
  readonly mode: 'run';
  readonly data: readonly string[];
  readonly scenarios: readonly ScenarioName[];
  readonly out: string | null;
  readonly work: string | null;
  readonly only: readonly string[];
  readonly published: boolean;
  readonly steps: number | null;
  readonly repeats: number;
}

export type QualityArguments =
  | RunArguments
  | { readonly mode: 'kept'; readonly work: string; readonly out: string | null }
  | { readonly mode: 'derive'; readonly data: string; readonly out: string };

/** Parses the arguments of the command. @throws AppError invalid_argument */
export function readArguments(args: readonly string[]): QualityArguments {
  const { values } = parseOptions(args, OPTIONS, USAGE);
  const { data = [], out = null, work = null, only, steps, repeats } = values;
  if (values.derive !== undefined) {
    if (values.derive !== 'once')
      throw invalid(`--derive ${values.derive} is not supported: the only supported value is \`once\``);
    if (data.length !== 1 || out === null) throw invalid(`--derive needs exactly one --data, and --out: ${USAGE}`);
    return { mode: 'derive', data: data[0]!, out };
  }
  const scenarios = readScenarios(values.scenarios);
  if (data.length + scenarios.length === 0) {
    if (work === null) throw invalid(`--data, --scenarios and --work are missing: ${USAGE}`);
    return { mode: 'kept', work, out };
  }
  return {
    mode: 'run',
    data,
    scenarios,
    out,
    work,
    only: readParts(only),
    published: !(values['no-published'] ?? false),
    steps: wholeNumber(steps),
    repeats: wholeNumber(repeats) ?? 3,
  };
}

function readScenarios(text: string | undefined): ScenarioName[] {
  if (text === undefined) return [];
  return (text === 'all' ? SCENARIO_NAMES : text.split(',')).map((name) => chosen('scenario', name, SCENARIO_NAMES));
}

function readParts(text: string | undefined): readonly string[] {
  return text?.split(',').map((name) => chosen('part', name, PARTS)) ?? PARTS;
}
