/** Makes command-line options from settings. */
import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { AppError, UsageError } from '../lib/errors.ts';
import type { Limits } from '../service/limits.ts';
import { type Given, readSettings, type Settings } from '../service/settings/environment.ts';
import { CONFIG_FILE, SETTINGS, type Setting, type SettingNames } from '../service/settings/setting-list.ts';

/** The parsed options of a command line: values by flag name in camel case. */
export type FlagValues = Readonly<Record<string, unknown>>;

type SettingVariable =
  | 'METAHEAC_DATA_DIR'
  | 'METAHEAC_API_KEY'
  | 'METAHEAC_STORE'
  | 'METAHEAC_BLOBS'
  | 'METAHEAC_CACHE'
  | 'METAHEAC_MIRROR_BYTES';

/** Adds a flag for each setting. */
export function addAllSettings(command: Command): Command {
  addConfigFile(command);
  for (const setting of SETTINGS) for (const option of optionsOf(setting, true)) command.addOption(option);
  return command.addHelpText(
    'after',
    '\nEvery flag is also an environment variable (METAHEAC_DATA_DIR) and a key of the configuration file (data_dir).\n' +
      '`metaheac config` prints the effective values; docs/configuration.md describes the file.',
  );
}

/**
 * Adds the flags of some settings. These settings may also come from environment variables or the configuration file.
 */
export function addSettings(command: Command, variables: readonly SettingVariable[]): Command {
  addConfigFile(command);
  const mayShare = variables.includes('METAHEAC_STORE');
  for (const variable of variables)
    for (const option of optionsOf(SETTINGS.find((setting) => setting.variable === variable)!, mayShare))
      command.addOption(option);
  return command;
}

/** Lets a command take the data folder as a setting or as an argument. */
export function addDataDir(
  command: Command,
  description = 'data folder of a service',
  others: readonly SettingVariable[] = [],
): Command {
  command.argument('[data-dir]', `${description}; alias of --data-dir`);
  return addSettings(command, ['METAHEAC_DATA_DIR', ...others]);
}

/**
 * The data folder from the command line or another source of settings. @throws UsageError if none or two are given;
 * AppError invalid_argument if the folder does not exist, unless the command creates it. `orCluster` is whether the
 * command takes a cluster instead.
 */
export function dataDirOf(
  argument: string | undefined,
  values: FlagValues,
  { isMade = false, orCluster = false }: { readonly isMade?: boolean; readonly orCluster?: boolean } = {},
): string {
  const flag = values['dataDir'];
  if (argument !== undefined && flag !== undefined && argument !== flag)
    throw new UsageError(`two data folders are given, ${argument} and ${String(flag)}: give only one`);
  return checkDataDir(argument ?? settingsOf(values).values.METAHEAC_DATA_DIR, isMade, orCluster);
}

function checkDataDir(dataDir: string | undefined, isMade: boolean, orCluster = false): string {
  if (dataDir === undefined)
    throw new UsageError(
      'name the data folder: --data-dir, METAHEAC_DATA_DIR, or data_dir in a configuration file' +
        (orCluster ? '; or a cluster: --store and --blobs' : ''),
    );
  if (!isMade && !existsSync(dataDir)) throw new AppError('invalid_argument', `${dataDir}: not found`);
  return dataDir;
}

/** The data folder of a service, created if it does not exist, and the key with which a command calls the service. */
export function serviceOf(values: FlagValues): { readonly dataDir: string; readonly key?: string } {
  const { METAHEAC_DATA_DIR: dataDir, METAHEAC_API_KEY: key } = settingsOf(values).values;
  return { dataDir: checkDataDir(dataDir, true), ...(key !== undefined && { key }) };
}

/** The storage of blobs from the command line or another source of settings. @throws UsageError if none is given */
export function blobsOf(values: FlagValues): string {
  const { METAHEAC_BLOBS: blobs } = settingsOf(values).values;
  if (blobs === undefined)
    throw new UsageError('name the object storage: --blobs, METAHEAC_BLOBS, or blobs in a configuration file');
  return blobs;
}

/** The key with which a command calls a running service. */
export function keyOf(values: FlagValues): string | undefined {
  return settingsOf(values).values.METAHEAC_API_KEY;
}

/** Reads the settings of a command. @throws UsageError, like `readSettings` */
export function settingsOf(values: FlagValues, constants: Partial<Limits> = {}): Settings {
  return readSettings(process.env, flagsOf(values), constants);
}

function addConfigFile(command: Command): void {
  command.option('--config <file>', 'configuration file (YAML); flags and variables take precedence (default: none)');
}

/** The values of the flags on the command line, keyed by the environment variable of the same setting. */
function flagsOf(values: FlagValues): Given {
  const names: readonly Pick<SettingNames, 'flag' | 'variable'>[] = [CONFIG_FILE, ...SETTINGS.flatMap(namesOfFlags)];
  return Object.fromEntries(
    names.map(({ flag, variable }) => {
      const value = values[new Option(flag).attributeName()];
      return [variable, value === undefined ? undefined : String(value)];
    }),
  );
}

/** The flags of a setting: its own, and that of the file of a secret. */
function namesOfFlags(setting: Setting): SettingNames[] {
  return [...(setting.isFlag ? [setting] : []), ...(setting.secretFile === null ? [] : [setting.secretFile])];
}

/**
 * Makes the options of a setting. For a secret, an option names a file, because every user of the machine can read a
 * command line. `mayShare` is whether the command also has `--store`.
 */
function optionsOf(setting: Setting, mayShare: boolean): Option[] {
  const { isSwitch, secretFile, limit, unit, byDefault } = setting;
  const description = setting.description.replace(/\.$/, '').replaceAll(/\[(\w+)\]\([^)]*\)/g, '$1');
  const required = mayShare ? '(required without --store)' : '(required)';
  const rest = byDefault.startsWith('required') ? required : `(default: ${byDefault})`;
  return namesOfFlags(setting).map((names) => {
    const isFile = names === secretFile;
    const value = isSwitch ? ' [true|false]' : ` <${unit ?? (setting.isPath ? 'dir' : isFile ? 'file' : 'value')}>`;
    const text = isFile ? `file that contains this secret: ${description}` : description;
    const option = new Option(names.flag + value, `${text} ${rest}`);
    if (limit !== null) option.helpGroup('Limits:');
    return option;
  });
}
