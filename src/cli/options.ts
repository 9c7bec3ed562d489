/** Parsers of command-line values; an invalid value is a usage error that names the option. */
import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDate } from '../dataset/times.ts';
import { COUNTRY_CODE, IDENTIFIER_TYPE } from '../domain/identities.ts';
import { AppError } from '../lib/errors.ts';

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('The value must be a whole number of at least 1.');
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === '')
    throw new InvalidArgumentError('The value must be a whole number of at least 0.');
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('The value must be a positive number.');
  return value;
}

export function identifierType(text: string): string {
  if (!IDENTIFIER_TYPE.test(text))
    throw new InvalidArgumentError('The value must be email, phone, maid, uid2, rampid or custom:<name>.');
  return text;
}

export function countryCode(text: string): string {
  if (!COUNTRY_CODE.test(text)) throw new InvalidArgumentError('The value must be one to three digits.');
  return text;
}

/** Parses a delimiter; the word `tab` stands for a tab, which is hard to type. */
export function delimiter(text: string): string {
  const value = text === '\\t' || text === 'tab' ? '\t' : text;
  if (value === '' || value === '"') throw new InvalidArgumentError('The value must be text that separates fields.');
  return value;
}

export function nameList(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/** Collects the values of an option that may be repeated. */
export function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** Parses a share from 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1) || text.trim() === '')
    throw new InvalidArgumentError('The value must be between 0 and 1.');
  return value;
}

/** Parses the number of seeds per campaign: `50,200` for small and large campaigns, or `50` for all campaigns. */
export function seedCounts(text: string): [number, number] | [number] {
  const [small, large, ...more] = text.split(',').map(Number);
  const isCount = (value: number | undefined) => Number.isSafeInteger(value) && value! >= 1;
  if (more.length > 0 || !isCount(small) || (large !== undefined && (!isCount(large) || large <= small!)))
    throw new InvalidArgumentError('The value must be one number of seeds, or two in ascending order, such as 50,200.');
  return large === undefined ? [small!] : [small!, large];
}

/** Collects `name=column`. */
export function columnNames(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('The value must be name=column.');
  return new Map([...before, [text.slice(0, at), text.slice(at + 1)]]);
}

const UNITS_MS: Readonly<Record<string, number>> = { d: 24 * 3_600_000, h: 3_600_000, m: 60_000 };

/** Parses a duration such as `90d`, `12h` or `30m` into milliseconds. */
export function durationMs(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,5})([dhm])$/.exec(text) ?? [];
  if (count === undefined)
    throw new InvalidArgumentError('The value must be a number of days, hours or minutes: 90d, 12h, 30m.');
  return Number(count) * UNITS_MS[unit!]!;
}

/** Parses a date, or a time with a zone, into milliseconds since 1970. */
export function instant(text: string): number {
  const time = /^.{10}$|(Z|[+-]\d\d:\d\d)$/.test(text) ? parseDate(text) : null;
  if (time === null) throw new InvalidArgumentError('The value must be a date, or a time: 2026-11-26T12:00:00Z.');
  return time;
}

/** Collects `key=text`. */
export function labelTexts(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('The value must be key=text.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Marks a path that must exist; `requireExisting` checks the path after the whole command line has been validated. */
export function existing(path: string): string {
  return path;
}

/** Like `existing`, for an option that may be repeated. */
export function existingOnes(path: string, before: readonly string[]): readonly string[] {
  return [...before, path];
}

/** @throws AppError invalid_argument if a path of the command line does not exist */
export function requireExisting(command: Command): void {
  const given = [
    ...command.registeredArguments.map(({ parseArg }, i) => ({ parseArg, value: command.processedArgs[i] as unknown })),
    ...command.options.map((option) => ({ parseArg: option.parseArg, value: command.opts()[option.attributeName()] })),
  ];
  const paths = given.flatMap(({ parseArg, value }) =>
    parseArg === existing || parseArg === existingOnes ? ([value].flat() as (string | undefined)[]) : [],
  );
  for (const path of paths)
    if (path !== undefined && !existsSync(path)) throw new AppError('invalid_argument', `${path}: not found`);
}

/** The option `--device` for commands that run a model. */
export function deviceOption(): Option {
  return new Option('--device <device>', 'auto, cpu, cuda or cuda:N').default('auto');
}
