/** Parsers of command-line values; an invalid value is a usage error that names the option. */
import { InvalidArgumentError } from 'commander';

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === '')
    throw new InvalidArgumentError('It must be a whole number of at least 0.');
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a positive number.');
  return value;
}

/** Text in place of a tab, which is hard to type. */
export function delimiter(text: string): string {
  const value = text === '\\t' || text === 'tab' ? '\t' : text;
  if (value === '' || value === '"') throw new InvalidArgumentError('It must be text that separates fields.');
  return value;
}

export function nameList(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/** A share, 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1) || text.trim() === '') throw new InvalidArgumentError('It must be between 0 and 1.');
  return value;
}

/** `50,200`: seeds of small and of large campaigns; `50`: seeds of all. */
export function seedCounts(text: string): [number, number] | [number] {
  const [small, large, ...more] = text.split(',').map(Number);
  const isCount = (value: number | undefined) => Number.isSafeInteger(value) && value! >= 1;
  if (more.length > 0 || !isCount(small) || (large !== undefined && (!isCount(large) || large <= small!)))
    throw new InvalidArgumentError('It must be one number of seeds, or two, the second larger: 50,200.');
  return large === undefined ? [small!] : [small!, large];
}

/** Collects `name=column`. */
export function columnNames(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('It must be name=column.');
  return new Map([...before, [text.slice(0, at), text.slice(at + 1)]]);
}
