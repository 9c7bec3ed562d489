/** The only place that reads environment variables: each is validated here and listed in the README. */
import { z } from 'zod';
import { AppError } from '../lib/errors.ts';
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from '../server/config.ts';

const positive = z.coerce.number().int().min(1);

/** Variables of `metaheac serve` beside the server's limits. A flag of the command goes before its variable. */
const serviceSchema = z.object({
  METAHEAC_DATA_DIR: z.string().min(1).optional(),
  METAHEAC_MODEL: z.string().min(1).optional(),
  METAHEAC_POPULATION: z.string().min(1).optional(),
  METAHEAC_HOST: z.string().min(1).default('127.0.0.1'),
  METAHEAC_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  METAHEAC_API_KEY: z.string().min(16, 'a key has at least 16 characters').optional(),
  METAHEAC_DEVICE: z.string().default('auto'),
  METAHEAC_THREADS: positive.max(256).optional(),
  METAHEAC_MINIMUM_SEEDS: positive.default(DEFAULT_SERVER_CONFIG.minimumSeeds),
  METAHEAC_LEASE_MS: positive.min(1000).default(15_000),
  METAHEAC_MAXIMUM_ATTEMPTS: positive.max(100).default(5),
  METAHEAC_OPEN_RANKINGS: positive.max(10_000).default(64),
  METAHEAC_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

export type ServiceEnvironment = z.infer<typeof serviceSchema> & { readonly limits: Partial<ServerConfig> };

/** The server's limits as variables: `bodyLimitBytes` is METAHEAC_BODY_LIMIT_BYTES. */
export const LIMIT_VARIABLES: ReadonlyMap<string, string> = new Map(
  (Object.entries(DEFAULT_SERVER_CONFIG) as [keyof ServerConfig, unknown][])
    .filter(([name, value]) => typeof value === 'number' && name !== 'minimumSeeds')
    .map(([name]) => [`METAHEAC_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`, name]),
);

/** Every variable that is read. */
export const VARIABLES: readonly string[] = [...Object.keys(serviceSchema.shape), ...LIMIT_VARIABLES.keys()];

/** Reads and validates the environment; a value that cannot be used, and an unknown METAHEAC_ variable, are invalid_argument. */
export function readEnvironment(
  source: Readonly<Record<string, string | undefined>> = process.env,
): ServiceEnvironment {
  for (const name of Object.keys(source)) {
    if (name.startsWith('METAHEAC_') && !VARIABLES.includes(name))
      throw new AppError(
        'invalid_argument',
        `environment variable ${name} is not known (known: ${VARIABLES.join(', ')})`,
      );
  }
  const parsed = serviceSchema.safeParse(source);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError('invalid_argument', `environment variable ${issue!.path.join('.')}: ${issue!.message}`);
  }
  const limits: Partial<Record<string, number>> = {};
  for (const [variable, name] of LIMIT_VARIABLES) {
    const text = source[variable];
    if (text === undefined) continue;
    const value = positive.safeParse(text);
    if (!value.success)
      throw new AppError(
        'invalid_argument',
        `environment variable ${variable}: "${text}" is not a positive whole number`,
      );
    limits[name] = value.data;
  }
  return { ...parsed.data, limits: limits as Partial<ServerConfig> };
}
