/** All scenarios by name, and the command that writes one. */
import { existsSync } from 'node:fs';
import { AppError } from '../../../src/lib/errors.ts';
import { chosen, parseOptions, required, TEXT, wholeNumber } from '../options.ts';
import { bands } from './bands.ts';
import { broad, drift, oneCampaign, regulars, twoCrowds } from './histories.ts';
import { bundles, fewTokens, longLists, rareTokens, sparseVocabulary } from './lists.ts';
import { numbers } from './numbers.ts';
import { type Scenario, writeScenario } from './scenario.ts';

export const SCENARIOS = {
  'few-tokens': fewTokens,
  'long-lists': longLists,
  'sparse-vocabulary': sparseVocabulary,
  'rare-tokens': rareTokens,
  bundles,
  bands,
  numbers,
  'one-campaign': oneCampaign,
  regulars,
  drift,
  'two-crowds': twoCrowds,
  broad,
} satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];

const USAGE = 'scenario <name> --out <folder to write, which must not exist> [--seed N]';

/** Runs `npm run lab -- scenario`, which writes one scenario as a data set. */
export async function runScenario(args: readonly string[]): Promise<readonly string[]> {
  const { values, positionals } = parseOptions(args, { out: TEXT, seed: TEXT }, USAGE, true);
  const scenario: Scenario = SCENARIOS[chosen('scenario', positionals[0] ?? '', SCENARIO_NAMES)];
  const out = required(values.out, '--out', USAGE);
  if (existsSync(out)) throw new AppError('invalid_argument', `${out} already exists`);
  await writeScenario(scenario, { out, seed: String(wholeNumber(values.seed) ?? 1) });
  const { users, trainCampaigns, testCampaigns, about } = scenario;
  const sizes = `${users} synthetic users, ${trainCampaigns} train campaigns, ${testCampaigns} test campaigns`;
  return [`${out}: ${sizes}`, about];
}
