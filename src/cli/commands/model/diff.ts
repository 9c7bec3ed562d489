/** `metaheac model diff`. */

import type { Output } from '../../../lib/output.ts';
import { diffModels, type ModelDiff } from '../../../model/diff.ts';

/** Maximum number of tokens shown per list. */
const NAMED_TOKENS = 5;

export async function modelDiffCommand(before: string, after: string, output: Output): Promise<void> {
  for (const line of describeDiff(diffModels(before, after))) output.result(line);
}

/** Describes each difference on one line; if there are no differences, a single line says so. */
export function describeDiff({ fields, features, vocabularies, parameters, ops }: ModelDiff): string[] {
  const lines: string[] = [];
  for (const { field, before, after } of fields) lines.push(`${field}: ${valueText(before)} -> ${valueText(after)}`);
  for (const feature of features.removed) lines.push(`feature ${feature}: removed`);
  for (const feature of features.added) lines.push(`feature ${feature}: added`);
  for (const { feature, added, removed, renumbered } of vocabularies) {
    const parts = [
      ...(added.length > 0 ? [`${added.length} tokens added (${tokensText(added)})`] : []),
      ...(removed.length > 0 ? [`${removed.length} removed (${tokensText(removed)})`] : []),
      ...(renumbered > 0 ? [`${renumbered} with another id`] : []),
    ];
    lines.push(`vocabulary ${feature}: ${parts.join(', ')}`);
  }
  for (const name of parameters.removed) lines.push(`parameter ${name}: removed`);
  for (const name of parameters.added) lines.push(`parameter ${name}: added`);
  for (const { name, before, after } of parameters.reshaped) lines.push(`parameter ${name}: ${before} -> ${after}`);
  for (const { name, type, largest, mean } of parameters.changed)
    lines.push(`parameter ${name} ${type}: differs by at most ${numberText(largest)}, ${numberText(mean)} on average`);
  for (const { op, before, after } of ops) lines.push(`op ${op}: ${before} -> ${after} nodes`);
  if (lines.length === 0) lines.push('no difference');
  else if (parameters.equal > 0) lines.push(`${parameters.equal} parameters are equal`);
  return lines;
}

function valueText(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

function tokensText(tokens: readonly string[]): string {
  const named = tokens.slice(0, NAMED_TOKENS).map((token) => JSON.stringify(token));
  return `${named.join(', ')}${tokens.length > NAMED_TOKENS ? ', ..' : ''}`;
}

function numberText(x: number): string {
  return String(Number(x.toPrecision(4)));
}
