/** The settings as flags of a command. */
import { type Command, Option } from 'commander';
import type { Output } from '../../../lib/output.ts';
import type { Limits } from '../../../service/limits.ts';
import { type Given, readSettings, type Settings } from '../../../service/settings/environment.ts';
import {
  CONFIG_FILE,
  REMOVED,
  SETTINGS,
  type Setting,
  type SettingNames,
} from '../../../service/settings/setting-list.ts';

/** What commander makes of a command line: values by the flag's name in camel case. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** Adds a flag for each setting, and hidden ones for what was a setting once. */
export function addSettingOptions(command: Command): Command {
  command.option('--config <file>', 'configuration file (YAML); flags and variables take precedence');
  for (const setting of SETTINGS) command.addOption(optionOf(setting));
  for (const { flag } of REMOVED) command.addOption(new Option(`${flag} <value>`).hideHelp());
  return command.addHelpText(
    'after',
    '\nEvery flag is also an environment variable (METAHEAC_DATA_DIR) and a key of the configuration file (data_dir).\n' +
      '`metaheac config` prints what is in force; docs/configuration.md describes the file.',
  );
}

/** The settings of a command, with a note of each that is ignored. @throws AppError as `readSettings` */
export function settingsOf(values: FlagValues, output: Output, constants: Partial<Limits> = {}): Settings {
  const settings = readSettings(process.env, flagsOf(values), constants);
  for (const warning of settings.warnings) output.note(`metaheac: ${warning}`);
  return settings;
}

/** The flags that were given, by their variables. */
function flagsOf(values: FlagValues): Given {
  const names: readonly Pick<SettingNames, 'flag' | 'variable'>[] = [
    CONFIG_FILE,
    ...SETTINGS.map((setting) => setting.secretFile ?? setting),
    ...REMOVED,
  ];
  return Object.fromEntries(
    names.map(({ flag, variable }) => {
      const value = values[new Option(flag).attributeName()];
      return [variable, value === undefined ? undefined : String(value)];
    }),
  );
}

/** A secret has only the flag of its file: a command line can be read by every user of the machine. */
function optionOf(setting: Setting): Option {
  const { isSwitch, secretFile, limit, unit, byDefault } = setting;
  const { flag } = secretFile ?? setting;
  const value = isSwitch ? ' [true|false]' : ` <${unit ?? (setting.isPath ? 'dir' : secretFile ? 'file' : 'value')}>`;
  const description = setting.description.replace(/\.$/, '').replaceAll(/\[(\w+)\]\([^)]*\)/g, '$1');
  const text = secretFile ? `file with this secret: ${description}` : description;
  const rest = byDefault === 'required' ? '(required)' : `(default: ${byDefault})`;
  const option = new Option(flag + value, `${text} ${rest}`);
  if (limit !== null) option.helpGroup('Limits:');
  return option;
}
