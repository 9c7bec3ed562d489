/**
 * The only place that reads environment variables, each validated here and listed in docs/settings.md, and the number
 * of processors.
 */
import { availableParallelism } from 'node:os';
import type { z } from 'zod';
import { AppError } from '../lib/errors.ts';
import type { Device } from '../runtime/session.ts';
import { LIMIT_NAMES, LIMITS, type LimitName, type Limits, variableOf } from '../server/limits.ts';
import { settingsSchema, whole } from './settings.ts';

/** The default maximum of a limit. */
const MAXIMUM_LIMIT = 2 ** 40;

export type ServiceEnvironment = z.infer<typeof settingsSchema> & { readonly limits: Partial<Limits> };

/** The server's limits as variables: `bodyLimitBytes` is METAHEAC_BODY_LIMIT_BYTES. */
export const LIMIT_VARIABLES: ReadonlyMap<string, LimitName> = new Map(
  LIMIT_NAMES.map((name) => [variableOf(name), name]),
);

/** Every variable that is read. */
export const VARIABLES: readonly string[] = [...Object.keys(settingsSchema.shape), ...LIMIT_VARIABLES.keys()];

/**
 * Reads and validates the environment. `flags` take precedence over their variables, and errors name them as flags.
 * @throws AppError invalid_argument: an invalid value, or an unknown METAHEAC_ variable.
 */
export function readEnvironment(
  source: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Record<string, string | undefined>> = {},
): ServiceEnvironment {
  for (const name of Object.keys(source)) {
    if (name.startsWith('METAHEAC_') && !VARIABLES.includes(name))
      throw new AppError(
        'invalid_argument',
        `environment variable ${name} is not known (known: ${VARIABLES.join(', ')})`,
      );
  }
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const values = { ...source, ...given };
  const refuse = (name: string, message: string): never => {
    const label = name in given ? flagOf(name) : `environment variable ${name}`;
    // A key is never repeated: this goes to logs.
    const value = name.endsWith('_KEY') ? '' : ` "${values[name] ?? ''}"`;
    throw new AppError('invalid_argument', `${label}${value}: ${message}`);
  };
  const parsed = settingsSchema.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return refuse(String(issue.path[0]), issue.message);
  }
  const limits: Partial<Record<LimitName, number>> = {};
  for (const [variable, name] of LIMIT_VARIABLES) {
    const text = source[variable];
    if (text === undefined) continue;
    const { least = 1, most = MAXIMUM_LIMIT } = LIMITS[name];
    const value = whole(least, most).safeParse(text);
    if (!value.success) return refuse(variable, value.error.issues[0]!.message);
    limits[name] = value.data;
  }
  return { ...parsed.data, limits };
}

/** The default number of threads: one per processor that this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** The same for training; one on a GPU, as each thread would hold another copy of the model in its memory. */
export function defaultTrainingThreads({ kind }: Device): number {
  return kind === 'cuda' ? 1 : defaultThreads();
}

/** METAHEAC_DATA_DIR is --data-dir. */
function flagOf(variable: string): string {
  return variable.replace('METAHEAC_', '--').replaceAll('_', '-').toLowerCase();
}
