/** Formats help texts with the default of every option, and an example. */
import type { Command, Help, Option } from 'commander';

const EXAMPLES = new WeakMap<Command, readonly string[]>();

/** Adds an example of one or more lines to the end of a command's help. */
export function addExample(command: Command, ...lines: readonly string[]): Command {
  EXAMPLES.set(command, lines);
  return command.addHelpText('after', `\nExample:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** The lines of a command's example; null if the command has none. */
export function exampleOf(command: Command): readonly string[] | null {
  return EXAMPLES.get(command) ?? null;
}

/** For `Command.configureHelp`: the description of an option, its choices and its default. */
export const HELP: Partial<Help> = {
  optionDescription: (option: Option): string => {
    const choices = option.argChoices ? [`choices: ${option.argChoices.join(', ')}`] : [];
    const facts = [...choices, ...defaultOf(option)];
    return facts.length === 0 ? option.description : `${option.description} (${facts.join('; ')})`;
  },
};

/** The default of an option, unless its description already names a default. A switch is off by default. */
function defaultOf(option: Option): string[] {
  const { defaultValue: value, defaultValueDescription: described } = option;
  if (option.mandatory) return ['required'];
  if (option.isBoolean() || /\((default: .*|required( without --store)?)\)$/.test(option.description)) return [];
  const text = described ?? textOf(value);
  return [`default: ${text === '' ? 'none' : text}`];
}

function textOf(value: unknown): string {
  if (value instanceof Map) return '';
  return typeof value === 'object' ? Object.values(value ?? {}).join(',') : String(value ?? '');
}
