/** The settings as flags of a command. */
import { type Command, Option } from 'commander';
import { LIMITS } from '../../../http/limits.ts';
import type { Given } from '../../../service/settings/environment.ts';
import { CONFIG_FILE, SETTINGS, type Setting, type SettingNames } from '../../../service/settings/setting-list.ts';

/** What commander makes of a command line: values by the flag's name in camel case. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** Adds a flag for each setting; `--help` shows those that an operator has reason to change. */
export function addSettingOptions(command: Command): Command {
  command.option('--config <file>', 'configuration file (YAML); flags and variables take precedence');
  for (const setting of SETTINGS) command.addOption(optionOf(setting));
  return command.addHelpText(
    'after',
    '\nEvery flag is also an environment variable (METAHEAC_DATA_DIR) and a key of the configuration file (data_dir).\n' +
      'More limits are listed by `metaheac config`, and in docs/settings.md.',
  );
}

/** The flags that were given, by their variables. */
export function flagsOf(values: FlagValues): Given {
  const names: readonly Pick<SettingNames, 'flag' | 'variable'>[] = [
    CONFIG_FILE,
    ...SETTINGS.map((setting) => setting.secretFile ?? setting),
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
  if (limit !== null) option.helpGroup('Limits:').hideHelp(LIMITS[limit].published !== true);
  return option;
}
