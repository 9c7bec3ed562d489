/** The tables of docs/settings.md, generated from the environment's schema and the rows of the limits. */

import type { Limit } from '../server/limit.ts';
import { LIMIT_GROUPS, variableOf } from '../server/limits.ts';
import { SETTING_WORDS, settingsSchema } from './settings.ts';

/** The generated parts of docs/settings.md by the names of their markers. */
export function settingsTables(): Readonly<Record<string, string>> {
  const rows = Object.entries(settingsSchema.shape).map(([variable, schema]) => {
    const { flag, byDefault, description } = SETTING_WORDS.get(schema)!;
    const value = byDefault ?? String(schema.parse(undefined));
    return { flag, cells: [code(variable), value, description] };
  });
  const groups = Object.entries(LIMIT_GROUPS);
  const published = groups.flatMap(([, limits]) => limitRows(limits, true));
  const others = groups
    .map(([title, limits]) => ({ title, rows: limitRows(limits, false) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) => `### ${title}\n\n${limitTable(rows)}`);
  return {
    flags: table(
      ['flag', 'variable', 'default', 'what it sets'],
      rows.flatMap(({ flag, cells }) => (flag === undefined ? [] : [[code(flag), ...cells]])),
    ),
    service: table(
      ['variable', 'default', 'what it sets'],
      rows.flatMap(({ flag, cells }) => (flag === undefined ? [cells] : [])),
    ),
    limits: limitTable(published),
    'other limits': others.join('\n\n'),
  };
}

function limitRows(limits: Readonly<Record<string, Limit>>, published: boolean): string[][] {
  return Object.entries(limits)
    .filter(([, limit]) => (limit.published === true) === published)
    .map(([name, limit]) => [code(variableOf(name)), String(limit.default), limit.unit, limit.description]);
}

function limitTable(rows: readonly string[][]): string {
  return table(['variable', 'default', 'unit', 'what it limits'], rows);
}

/** A Markdown table whose columns are as wide as their longest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]!.length), name.length),
  );
  const line = (cells: readonly string[], fill: string) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, fill)).join(' | ')} |`;
  const rule = head.map(() => '');
  return [line(head, ' '), line(rule, '-'), ...rows.map((row) => line(row, ' '))].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
