/** What `npm run bench -- quality` is asked to do. */
import { parseArgs } from 'node:util';
import { AppError } from '../../../src/lib/errors.ts';
import { SHAPE_NAMES, type ShapeName } from '../scenarios/names.ts';
import { ABLATIONS } from './ablations.ts';

const USAGE = `quality [--data <data set folder>]... [--shapes all|<name,..>] [--work <folder that keeps what is done>]
          [--out <markdown file>] [--only <part,..>] [--histories] [--no-published] [--steps N] [--repeats N]
  quality --work <folder> [--out <markdown file>]                 the tables of what is kept there, running nothing
  quality --derive once --data <data set folder> --out <folder>   a data set whose users are in one campaign at most`;

/** What runs where nothing else is said. */
const USUAL_PARTS: readonly string[] = [
  'main',
  ...ABLATIONS.map(({ name }) => name),
  'curve',
  'alternatives',
  'blend',
  'blend-cut-lists',
];
const PARTS: readonly string[] = [...USUAL_PARTS, 'histories'];

export interface RunArguments {
  readonly mode: 'run';
  readonly data: readonly string[];
  readonly shapes: readonly ShapeName[];
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

/** @throws AppError invalid_argument */
export function readArguments(args: readonly string[]): QualityArguments {
  const values = parse(args);
  const { data = [], out = null, work = null, only, steps, repeats } = values;
  if (values.derive !== undefined) {
    if (values.derive !== 'once') throw invalid(`no data set called ${values.derive} can be derived: there is once`);
    if (data.length !== 1 || out === null) throw invalid(`--derive needs --data once, and --out: ${USAGE}`);
    return { mode: 'derive', data: data[0]!, out };
  }
  const shapes = readShapes(values.shapes);
  if (data.length + shapes.length === 0) {
    if (work === null) throw invalid(`no data set: ${USAGE}`);
    return { mode: 'kept', work, out };
  }
  return {
    ...{ mode: 'run', data, shapes, out, work },
    only: readParts(only, values.histories ?? false),
    published: !(values['no-published'] ?? false),
    steps: wholeNumber(steps),
    repeats: wholeNumber(repeats) ?? 3,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ data: { ...text, multiple: true }, shapes: text, derive: text, out: text },
        ...{ work: text, only: text, histories: flag, 'no-published': flag, steps: text, repeats: text },
      },
    }).values;
  } catch (cause) {
    throw invalid(`${(cause as Error).message}: ${USAGE}`, cause);
  }
}

function readShapes(text: string | undefined): ShapeName[] {
  if (text === undefined) return [];
  const asked = text === 'all' ? SHAPE_NAMES : text.split(',');
  return asked.map((name) => {
    const found = SHAPE_NAMES.find((shape) => shape === name);
    if (!found) throw invalid(`no shape is called ${name}: there are ${SHAPE_NAMES.join(', ')}`);
    return found;
  });
}

/** `--histories` alone runs nothing else; with `--only` it is one more. */
function readParts(only: string | undefined, histories: boolean): readonly string[] {
  const named = only?.split(',') ?? (histories ? [] : USUAL_PARTS);
  const unknown = named.filter((name) => !PARTS.includes(name));
  if (unknown.length > 0) throw invalid(`no part is called ${unknown.join(', ')}: there are ${PARTS.join(', ')}`);
  return histories ? [...named, 'histories'] : named;
}

function wholeNumber(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw invalid(`${text} is not a whole number of at least 1`);
  return value;
}

function invalid(message: string, cause?: unknown): AppError {
  return new AppError('invalid_argument', message, cause === undefined ? {} : { cause });
}
