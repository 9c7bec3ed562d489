/** Parses the arguments of the lab's commands. A faulty argument causes an invalid_argument error. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { AppError } from '../../src/lib/errors.ts';

export const TEXT = { type: 'string' } as const;
export const TEXTS = { type: 'string', multiple: true } as const;
export const FLAG = { type: 'boolean' } as const;

/** Returns the values of `options`, and the positional arguments if the command has any. */
export function parseOptions<const T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  usage: string,
  allowPositionals = false,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals });
  } catch (cause) {
    throw new AppError('invalid_argument', `${(cause as Error).message}: ${usage}`, { cause });
  }
}

export function required(value: string | undefined, option: string, usage: string): string {
  if (value === undefined) throw invalid(`${option} is missing: ${usage}`);
  return value;
}

/** Returns `name` if it is in `known`, otherwise throws. */
export function chosen<T extends string>(what: string, name: string, known: readonly T[]): T {
  const found = known.find((one) => one === name);
  if (found === undefined) throw invalid(`unknown ${what} ${name}: use one of ${known.join(', ')}`);
  return found;
}

export function wholeNumber(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw invalid(`${text} is not a whole number of at least 1`);
  return value;
}

export function invalid(message: string): AppError {
  return new AppError('invalid_argument', message);
}
