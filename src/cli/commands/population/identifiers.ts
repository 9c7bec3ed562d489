/** `metaheac population identifiers`: converts typed identifiers to user ids. */
import { lineError, readLines } from '../../../dataset/lines.ts';
import { type IdentifierFormat, identifierId, type RuleName, rulesOf } from '../../../domain/identities.ts';
import { UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';

export interface PopulationIdentifiersOptions {
  type: string;
  rule: RuleName;
  hashed?: boolean;
  countryCode?: string;
}

/**
 * Prints one user id per line of a file, so that the ids can be pasted next to other columns.
 * @throws AppError invalid_data (file:line, without the value), UsageError
 */
export async function populationIdentifiersCommand(
  path: string,
  { type, rule, hashed = false, countryCode }: PopulationIdentifiersOptions,
  output: Output,
): Promise<void> {
  const rules = rulesOf(type);
  if (!rules.includes(rule)) throw new UsageError(`the rules of the type ${type} are ${rules.join(', ')}`);
  const format: IdentifierFormat = { type, rule, isHashed: hashed, countryCode: countryCode ?? null };
  for await (const { firstLine, lines } of readLines(path)) {
    const ids = lines.map((line, i) => {
      const id = identifierId(line, format);
      if (id !== null) return id;
      const message = `the value is not an identifier of the type ${type}, or not a hash of the rule ${rule}`;
      throw lineError(path, firstLine + i, message);
    });
    if (ids.length > 0) output.result(ids.join('\n'));
  }
}
