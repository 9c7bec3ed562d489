/** `metaheac reproduce`: reproduces the ranking of a receipt. */
import { existsSync, readFileSync } from 'node:fs';
import { RECEIPT_FORMAT, type Receipt } from '../../../domain/receipts.ts';
import { type Difference, type GivenCampaign, type GivenInputs, reproduce } from '../../../engine/reproduce.ts';
import { messageOf, UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';

export interface ReproduceCommandOptions extends Pick<GivenInputs, 'model' | 'population' | 'device'> {
  readonly seeds: string;
  readonly suppression?: string;
  readonly set: readonly string[];
  readonly campaign?: string;
  readonly threads?: number;
  readonly json?: boolean;
}

/** The fields of a campaign that are compared. */
const FIELDS = [
  'external_id',
  'features',
  'filters',
  'negative_weight',
  'category',
  'four_fifths',
] as const satisfies readonly (keyof GivenCampaign)[];

/** Exit code if an input or the ranking differs. */
const DIFFERS = 4;

/** @throws UsageError */
export async function reproduceCommand(file: string, options: ReproduceCommandOptions, output: Output): Promise<void> {
  const receipt = readJsonFile<Receipt>(file);
  if (receipt.format !== RECEIPT_FORMAT) throw new UsageError(`${file} is not a receipt of format ${RECEIPT_FORMAT}`);
  const { seeds, suppression, campaign, threads = 1, json = false } = options;
  const sets = new Map([['seeds', seeds], ...options.set.map(parseSet)]);
  if (suppression !== undefined) sets.set('suppression', suppression);
  const fields = campaign === undefined ? {} : readJsonFile<GivenCampaign>(campaign);
  const own = Object.entries(fields).filter(([name]) => (FIELDS as readonly string[]).includes(name));
  const given = { ...options, sets, threads, campaign: Object.fromEntries(own) };
  const differences = await reproduce(receipt, given);
  if (json) output.result(JSON.stringify({ reproduced: differences.length === 0, differences }));
  else if (differences.length === 0)
    output.result(`reproduced: the ranking of ${receipt.candidates} users has the same bytes`);
  else for (const line of linesOf(differences)) output.result(line);
  if (differences.length > 0) process.exitCode = DIFFERS;
}

const HEADINGS: { readonly [part in Difference['part']]: string } = {
  inputs: 'These inputs differ from the receipt, so the ranking was not made again:',
  outputs: 'All inputs are equal, but the ranking differs from the receipt:',
  computed_with: 'It was computed differently:',
};

/** The differences by part. A value that is an object is divided into its fields. */
function linesOf(differences: readonly Difference[]): string[] {
  const parts = [...new Set(differences.map(({ part }) => part))];
  return parts.flatMap((part) => {
    const fields = differences.filter((difference) => difference.part === part).flatMap(fieldsOf);
    const lines = fields.flatMap(({ name, expected, found }) => [
      name,
      `  receipt  ${expected}`,
      `  found    ${found}`,
    ]);
    return [HEADINGS[part], ...lines];
  });
}

function fieldsOf({ name, expected, found }: Omit<Difference, 'part'>): Omit<Difference, 'part'>[] {
  const [one, other] = [expected, found].map((text) => (text.startsWith('{') ? JSON.parse(text) : null));
  if (one === null || other === null) return [{ name, expected, found }];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .map((key) => ({ name: `${name}.${key}`, expected: textOf(one[key]), found: textOf(other[key]) }))
    .filter((field) => field.expected !== field.found);
}

function textOf(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

function parseSet(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`--set ${text}: NAME=FILE is expected`);
  const [name, file] = [text.slice(0, at), text.slice(at + 1)];
  if (!existsSync(file)) throw new UsageError(`--set ${text}: ${file} does not exist`);
  return [name, file];
}

function readJsonFile<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${messageOf(error)}`, { cause: error });
  }
}
