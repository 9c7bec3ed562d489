/**
 * Reads the settings of a service. In order of precedence, they come from flags, environment variables, the
 * configuration file and defaults. Only this module reads environment variables and the number of processors.
 */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { z } from 'zod';
import { UsageError } from '../../lib/errors.ts';
import { DEFAULT_LIMITS, type LimitName, type Limits } from '../limits.ts';
import { readConfigFile } from './config-file.ts';
import { nearestName } from './did-you-mean.ts';
import {
  ALL_NAMES,
  CONFIG_FILE,
  namesOf,
  SETTINGS,
  type Setting,
  type SettingNames,
  serviceSchema,
} from './setting-list.ts';
import type { settingsSchema } from './settings.ts';

export type ServiceEnvironment = z.infer<typeof settingsSchema> & { readonly limits: Limits };

/** Values by variable; undefined for settings that are not given. */
export type Given = Readonly<Record<string, string | undefined>>;

/** Origin of a value. */
export type Origin =
  | { readonly kind: 'flag' | 'environment'; readonly name: string; readonly secretFile?: string }
  | { readonly kind: 'file'; readonly path: string; readonly line: number; readonly secretFile?: string }
  | { readonly kind: 'default' };

export interface Settings {
  readonly values: ServiceEnvironment;
  /** The origin of each setting, by variable. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The configuration file. */
  readonly file: string | null;
}

/** A value from a source, with a name for error messages. */
interface Found {
  readonly text: string;
  readonly origin: Origin;
  readonly label: string;
}

/** Values of one source by variable. */
type Layer = ReadonlyMap<string, Found>;

/** The modes of TLS that connections to Postgres know. */
const TLS_MODES: readonly string[] = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Maximum size of a file with a secret. */
const MAXIMUM_SECRET_BYTES = 64 * 1024;

/** Names of limits by variable; for example, METAHEAC_BODY_LIMIT_BYTES sets `bodyLimitBytes`. */
export const LIMIT_VARIABLES: ReadonlyMap<string, LimitName> = new Map(
  SETTINGS.flatMap(({ variable, limit }) => (limit === null ? [] : [[variable, limit]])),
);

/** Names of all variables that are read. */
export const VARIABLES: readonly string[] = [CONFIG_FILE, ...ALL_NAMES].map(({ variable }) => variable);

/** Reads settings like `readSettings`, but returns only their values. */
export function readEnvironment(source: Given, flags: Given = {}): ServiceEnvironment {
  return readSettings(source, flags).values;
}

/**
 * Reads and validates all settings. `source` is the environment; `flags` maps variables to the values of their flags;
 * `constants` are limits that are not settings, for tests.
 * @throws UsageError for an invalid value (the message names the flag, the variable, or the line and key of the file),
 * for an unknown name (the message suggests the nearest known name), or for an unreadable file. Messages contain no
 * secrets.
 */
export function readSettings(source: Given, flags: Given = {}, constants: Partial<Limits> = {}): Settings {
  refuseUnknown(source);
  const file = flags[CONFIG_FILE.variable] ?? source[CONFIG_FILE.variable] ?? null;
  if (file === '') throw refused(`environment variable ${CONFIG_FILE.variable}`, 'the value is empty: name a file');
  const layers: readonly Layer[] = [layerOfFlags(flags), layerOfVariables(source), layerOfFile(file)];
  const found = new Map<string, Found>();
  for (const setting of SETTINGS) {
    const first = layers.map((layer) => findIn(layer, setting)).find((one) => one !== null);
    if (first) found.set(setting.variable, first);
  }
  const texts = Object.fromEntries([...found].map(([variable, { text }]) => [variable, text]));
  const parsed = serviceSchema.safeParse(texts);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw refused(found.get(String(path[0]))!.label, message);
  }
  if (parsed.data['METAHEAC_STORE'] !== undefined) refuseUnusableTls(source);
  const origins = SETTINGS.map(({ variable }): [string, Origin] => [
    variable,
    found.get(variable)?.origin ?? { kind: 'default' },
  ]);
  return { values: valuesOf(parsed.data, constants), origins: new Map(origins), file };
}

/** The path of a folder that `serve` needs. @throws UsageError if the path is not given */
export function required(
  values: ServiceEnvironment,
  variable: 'METAHEAC_DATA_DIR' | 'METAHEAC_MODEL' | 'METAHEAC_POPULATION',
): string {
  const value = values[variable];
  if (value !== undefined) return value;
  const { flag, key } = namesOf(variable);
  throw new UsageError(
    `${flag} (or ${variable}, or ${key} in a configuration file) is required, unless --store names a cluster`,
  );
}

/** The command line that runs `command` the way this process was started, such as `npx metaheac demo`. */
export function calledAs({ npm_command: npm, npm_lifecycle_event: script }: Given, command: string): string {
  if (npm === 'exec') return `npx metaheac ${command}`;
  if (npm !== 'run-script' && npm !== 'run') return `metaheac ${command}`;
  return script === command ? `npm run ${command} --` : `npm run --silent metaheac -- ${command}`;
}

/** Default number of threads: one per processor that this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/**
 * Default number of threads for training. On a GPU the default is 1, because each thread would hold another copy of the
 * model.
 */
export function defaultTrainingThreads<D extends { readonly kind: string }>({ kind }: D): number {
  return kind === 'cuda' ? 1 : defaultThreads();
}

/** The values of limits by the name of the limit, and the values of other settings by variable. */
function valuesOf(parsed: Readonly<Record<string, unknown>>, constants: Partial<Limits>): ServiceEnvironment {
  const own = Object.entries(parsed).filter(([variable]) => !LIMIT_VARIABLES.has(variable));
  const limits = [...LIMIT_VARIABLES].map(([variable, name]) => [name, parsed[variable]]);
  return {
    ...Object.fromEntries(own),
    limits: { ...DEFAULT_LIMITS, ...constants, ...Object.fromEntries(limits) },
  } as ServiceEnvironment;
}

function refuseUnknown(source: Given): void {
  for (const name of Object.keys(source)) {
    if (!name.startsWith('METAHEAC_') || VARIABLES.includes(name)) continue;
    const nearest = nearestName(name, VARIABLES);
    const rest = nearest === null ? ': docs/settings.md lists all variables' : `: did you mean ${nearest}?`;
    throw new UsageError(`environment variable ${name} is not known${rest}`);
  }
}

/** The driver would ignore a mode that it does not know, and connect without encryption. */
function refuseUnusableTls({ PGSSLMODE: mode, PGSSLROOTCERT: file }: Given): void {
  if (mode !== undefined && !TLS_MODES.includes(mode))
    throw new UsageError(`environment variable PGSSLMODE "${mode}": use one of ${TLS_MODES.join(', ')}`);
  if (file && file !== 'system' && !existsSync(file))
    throw new UsageError(`environment variable PGSSLROOTCERT: there is no file ${file}`);
}

function layerOfFlags(flags: Given): Layer {
  return layerOf(flags, ({ flag }) => ({ origin: { kind: 'flag', name: flag }, label: flag }));
}

function layerOfVariables(source: Given): Layer {
  return layerOf(source, ({ variable }) => ({
    origin: { kind: 'environment', name: variable },
    label: `environment variable ${variable}`,
  }));
}

function layerOf(given: Given, describe: (names: SettingNames) => Omit<Found, 'text'>): Layer {
  return new Map(
    ALL_NAMES.flatMap((names) => {
      const text = given[names.variable];
      return text === undefined ? [] : [[names.variable, { text, ...describe(names) }]];
    }),
  );
}

function layerOfFile(path: string | null): Layer {
  if (path === null) return new Map();
  return new Map(
    readConfigFile(path).map(({ key, text, line }) => [
      namesOf(`METAHEAC_${key.toUpperCase()}`).variable,
      { text, origin: { kind: 'file', path, line }, label: `${path}:${line}: ${key}` },
    ]),
  );
}

/**
 * The value of a setting in a source, given directly or in a file. The label ends with the value unless the setting is
 * a secret.
 */
function findIn(layer: Layer, { variable, secretFile }: Setting): Found | null {
  const own = layer.get(variable);
  if (secretFile === null) return own ? { ...own, label: `${own.label} "${withoutCredentials(own.text)}"` } : null;
  if (own?.origin.kind === 'flag' && hasPassword(own.text))
    throw refused(own.label, `every user of this machine can read a password in a command line: use ${variable}_FILE`);
  const inFile = layer.get(secretFile.variable);
  if (!inFile) return own ?? null;
  if (own) throw refused(inFile.label, `${own.label} is also given: use only one of the two`);
  return { ...inFile, text: readSecret(inFile), origin: { ...inFile.origin, secretFile: inFile.text } as Origin };
}

/** The text without what a URL has before the host, which may be a password or a secret key given by mistake. */
function withoutCredentials(text: string): string {
  return text.replace(/:\/\/[^/?#]*@/, '://..@');
}

function hasPassword(text: string): boolean {
  return URL.canParse(text) && (new URL(text).password !== '' || new URL(text).searchParams.has('password'));
}

/**
 * Reads the secret in a file, without the line break. Errors do not repeat the file name, which may be a secret given
 * by mistake.
 */
function readSecret({ text: path, label }: Found): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refused(label, code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code})`);
  }
  if (bytes.length > MAXIMUM_SECRET_BYTES)
    throw refused(label, `the file has ${bytes.length} bytes, which is too large for a secret`);
  return bytes.toString('utf8').replace(/\r?\n$/, '');
}

function refused(label: string, message: string): UsageError {
  return new UsageError(`${label}: ${message}`);
}
