/** The tables of docs/settings.md, generated from the list of settings. */
import { snakeCase } from '../../lib/limits.ts';
import { markdownTable } from '../../lib/text/tables.ts';
import { LIMIT_FILES } from '../limits.ts';
import { OTEL_VARIABLES } from './otel-variables.ts';
import { CONFIG_FILE, SETTINGS, type Setting, type SettingNames } from './setting-list.ts';

const HEAD = ['key', 'flag', 'variable', 'default'];

/** The generated parts of docs/settings.md by the names of their markers. */
export function settingsTables(): Readonly<Record<string, string>> {
  const own = SETTINGS.filter(({ limit }) => limit === null);
  const limits = SETTINGS.filter(({ limit }) => limit !== null);
  return {
    'opentelemetry variables': markdownTable(
      ['variable', 'what it sets'],
      OTEL_VARIABLES.map(([name, description]) => [code(name), description]),
    ),
    settings: markdownTable([...HEAD, 'what it sets'], [configRow(), ...own.flatMap(rowsOf)]),
    limits: limitTable(limits),
    constants: constantTables(),
  };
}

function configRow(): string[] {
  const description = 'Configuration file (YAML) with keys from this table.';
  return ['', code(CONFIG_FILE.flag), code(CONFIG_FILE.variable), 'none', description];
}

/** Makes the rows of a setting. A secret has a second row, for its file. Usually only this row has a flag. */
function rowsOf(setting: Setting): string[][] {
  const { key, variable, byDefault, description, secretFile } = setting;
  if (secretFile === null) return [[...cellsOf(setting), byDefault, description]];
  return [
    [code(key), setting.isFlag ? code(setting.flag) : '', code(variable), byDefault, description],
    [...cellsOf(secretFile), 'none', `File that holds the value of \`${key}\`, on one line.`],
  ];
}

function limitTable(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => [...cellsOf(setting), setting.byDefault, setting.unit!, setting.description]);
  return markdownTable([...HEAD, 'unit', 'what it limits'], rows);
}

/** Makes the tables of the limits that are not settings, one table per defining file. */
function constantTables(): string {
  const tables = Object.entries(LIMIT_FILES).flatMap(([file, rows]) => {
    const fixed = Object.entries(rows).filter(([, { isSetting }]) => !isSetting);
    const cells = fixed.map(([name, { value, unit, description }]) => [
      code(snakeCase(name)),
      `${value}`,
      unit,
      description,
    ]);
    return fixed.length === 0
      ? []
      : [`### ${code(file)}\n\n${markdownTable(['name', 'value', 'unit', 'what it limits'], cells)}`];
  });
  return tables.join('\n\n');
}

function cellsOf({ key, flag, variable }: SettingNames): string[] {
  return [code(key), code(flag), code(variable)];
}

function code(text: string): string {
  return `\`${text}\``;
}
