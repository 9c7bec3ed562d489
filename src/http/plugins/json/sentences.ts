/** Writes error messages as plain sentences, because zod's own messages name its types. */
import type { z } from 'zod';

/** Error map for zod's `safeParse`. Messages that a schema sets itself take precedence. */
export function sentenceOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `${NAMES[issue.expected as string] ?? `a value of type ${issue.expected}`} is expected`;
    case 'too_small':
      return (
        `${issue.inclusive === false ? 'more than' : 'at least'} ` +
        `${sizeOf(issue.origin as string, issue.minimum)} expected`
      );
    case 'too_big':
      return (
        `${issue.inclusive === false ? 'less than' : 'at most'} ` +
        `${sizeOf(issue.origin as string, issue.maximum)} expected`
      );
    case 'invalid_value':
      return expectedOf(issue.values as readonly unknown[]);
    case 'invalid_format':
      return formatOf(issue.format as string, issue.input);
    case 'invalid_union':
      return 'has none of the expected types';
    default:
      return undefined;
  }
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character is', 'characters are'],
  array: ['entry is', 'entries are'],
  set: ['entry is', 'entries are'],
};

function sizeOf(origin: string, bound: unknown): string {
  const [one, many] = UNITS[origin] ?? ['is', 'is'];
  return `${bound} ${Number(bound) === 1 ? one : many}`;
}

function expectedOf(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return `${texts.length === 1 ? texts[0] : `one of ${texts.join(', ')}`} is expected`;
}

function formatOf(format: string, input: unknown): string {
  if (format === 'datetime') return timeFault(String(input));
  if (format === 'uuid' || format === 'guid') return 'a UUID is expected';
  return `a string of the format ${format} is expected`;
}

/** Describes a fault in a time. The most common fault is a missing offset. */
function timeFault(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return 'this is a date: a time is expected, such as 2026-11-25T12:00:00Z';
  if (/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)) {
    return 'this time has no UTC offset: it must end in Z or in an offset such as +01:00, as in 2026-11-25T12:00:00Z';
  }
  return 'an RFC 3339 time is expected, such as 2026-11-25T12:00:00Z or 2026-11-25T13:00:00+01:00';
}
