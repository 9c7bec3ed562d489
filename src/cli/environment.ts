/** The only place that reads environment variables, each validated here and listed in docs/settings.md, and that asks how many processors there are. */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { AppError, messageOf } from '../lib/errors.ts';
import type { Device } from '../model/session.ts';
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from '../server/config.ts';
import { LIMIT_NAMES, type LimitName, variableOf } from '../server/limits.ts';
import { createAddressGuard } from '../server/webhooks/address-guard.ts';

/** A number in plain digits: `Number` would take an empty text for 0 and `0x50` for 80. */
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'not a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/** Hosts and CIDRs, as webhooks may have them. */
const allowedHosts = z
  .string()
  .transform((text) => (text.trim() === '' ? [] : text.split(',').map((entry) => entry.trim())))
  .superRefine((entries, context) => {
    try {
      createAddressGuard(entries);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
    }
  });

/** No limit of the server is larger. */
const MAXIMUM_LIMIT = 2 ** 40;

/** Variables of `metaheac serve` beside the server's limits. A flag of the command goes before its variable. */
const serviceSchema = z.object({
  METAHEAC_DATA_DIR: z.string().min(1).optional(),
  METAHEAC_MODEL: z.string().min(1).optional(),
  METAHEAC_POPULATION: z.string().min(1).optional(),
  METAHEAC_HOST: z.string().min(1).default('127.0.0.1'),
  METAHEAC_PORT: whole(0, 65_535).default(8080),
  METAHEAC_API_KEY: z.string().min(16, 'a key has at least 16 characters').optional(),
  METAHEAC_DEVICE: z
    .string()
    .regex(/^(auto|cpu|cuda|cuda:\d{1,2})$/, 'none of auto, cpu, cuda, cuda:N')
    .default('auto'),
  METAHEAC_THREADS: whole(1, 256).optional(),
  METAHEAC_MINIMUM_SEEDS: whole(1, 1_000_000_000).default(DEFAULT_SERVER_CONFIG.minimumSeeds),
  METAHEAC_LEASE_MS: whole(1000, 3_600_000).default(DEFAULT_SERVER_CONFIG.leaseMs),
  METAHEAC_MAXIMUM_ATTEMPTS: whole(1, 100).default(DEFAULT_SERVER_CONFIG.maximumAttempts),
  METAHEAC_OPEN_RANKINGS: whole(1, 10_000).default(DEFAULT_SERVER_CONFIG.openRankings),
  METAHEAC_WEBHOOK_ALLOWED_HOSTS: allowedHosts.default([]),
  METAHEAC_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export type ServiceEnvironment = z.infer<typeof serviceSchema> & { readonly limits: Partial<ServerConfig> };

/** Limits that are read above, with bounds of their own. */
const isOwn = (name: LimitName): boolean => variableOf(name) in serviceSchema.shape;

/** The server's other limits as variables: `bodyLimitBytes` is METAHEAC_BODY_LIMIT_BYTES. */
export const LIMIT_VARIABLES: ReadonlyMap<string, LimitName> = new Map(
  LIMIT_NAMES.filter((name) => !isOwn(name)).map((name) => [variableOf(name), name]),
);

/** Every variable that is read. */
export const VARIABLES: readonly string[] = [...Object.keys(serviceSchema.shape), ...LIMIT_VARIABLES.keys()];

/**
 * Reads and validates the environment. `flags` go before their variables, and are named as flags where they cannot be used.
 * @throws AppError invalid_argument: a value that cannot be used, or a METAHEAC_ variable that is not known.
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
    const value = name === 'METAHEAC_API_KEY' ? '' : ` "${values[name] ?? ''}"`;
    throw new AppError('invalid_argument', `${label}${value}: ${message}`);
  };
  const parsed = serviceSchema.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return refuse(String(issue.path[0]), issue.message);
  }
  const limits: Partial<Record<string, number>> = {};
  for (const [variable, name] of LIMIT_VARIABLES) {
    const text = source[variable];
    if (text === undefined) continue;
    const value = whole(1, MAXIMUM_LIMIT).safeParse(text);
    if (!value.success) return refuse(variable, value.error.issues[0]!.message);
    limits[name] = value.data;
  }
  return { ...parsed.data, limits: limits as Partial<ServerConfig> };
}

/** Threads where nobody says how many: one a processor that this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** The same for training; one on a GPU, in whose memory each thread would hold the whole model once more. */
export function defaultTrainingThreads({ kind }: Device): number {
  return kind === 'cuda' ? 1 : defaultThreads();
}

/** METAHEAC_DATA_DIR is --data-dir. */
function flagOf(variable: string): string {
  return variable.replace('METAHEAC_', '--').replaceAll('_', '-').toLowerCase();
}
