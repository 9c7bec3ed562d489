/** `metaheac reproduce`: reproduces the ranking of a receipt. */
import { existsSync, readFileSync } from 'node:fs';
import { RECEIPT_FORMAT, type Receipt } from '../../../domain/receipts.ts';
import { type GivenInputs, reproduce } from '../../../engine/reproduce.ts';
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

/** Exit code if an input or the ranking differs. */
const DIFFERS = 4;

/** @throws UsageError */
export async function reproduceCommand(file: string, options: ReproduceCommandOptions, output: Output): Promise<void> {
  const receipt = readJsonFile<Receipt>(file);
  if (receipt.format !== RECEIPT_FORMAT) throw new UsageError(`${file} is not a receipt of format ${RECEIPT_FORMAT}`);
  const { seeds, suppression, campaign, threads = 1, json = false } = options;
  const sets = new Map([['seeds', seeds], ...options.set.map(parseSet)]);
  if (suppression !== undefined) sets.set('suppression', suppression);
  const fields = campaign === undefined ? {} : readJsonFile<NonNullable<GivenInputs['campaign']>>(campaign);
  const { external_id, features, filters, negative_weight, four_fifths } = fields;
  const own = Object.entries({ external_id, features, filters, negative_weight, four_fifths }).filter(
    ([, value]) => value !== undefined,
  );
  const given = { ...options, sets, threads, campaign: Object.fromEntries(own) };
  const differences = await reproduce(receipt, given);
  if (json) output.result(JSON.stringify({ reproduced: differences.length === 0, differences }));
  else if (differences.length === 0)
    output.result(`reproduced: the ranking of ${receipt.candidates} users has the same bytes`);
  else
    for (const { name, expected, found } of differences)
      output.result(`${name} differs: the receipt has ${expected}, found ${found}`);
  if (differences.length > 0) process.exitCode = DIFFERS;
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
