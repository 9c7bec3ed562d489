/** The storyboards of AdCP that apply to the protocols and specialisms that the service advertises. */

import { askService, useTool, type Verdict } from './judge.ts';
import { KEY, membersOf, USER_IDS } from './service.ts';

/** Number of steps that pass, by storyboard. A storyboard whose steps are all skipped passes too, so they are counted. */
const PASSED: Readonly<Record<string, number>> = {
  audience_sync: 5,
  capability_discovery: 2,
  get_signals_pagination_integrity: 3,
  // capabilities alone: the other steps create media buys
  idempotency: 1,
  // without the steps about OAuth, which is not advertised
  security_baseline: 4,
  signal_owned: 5,
  signals_baseline: 4,
  v3_envelope_integrity: 1,
  // capabilities alone: the other steps create media buys
  webhook_emission: 1,
};
/** Storyboards that fail, and why. */
const FAILING: Readonly<Record<string, string>> = {
  pagination_integrity_list_accounts: 'creates three accounts with sync_accounts, which is not offered',
  signed_requests: 'requires signatures of requests, which are not advertised',
};

/** The account of the storyboard `signal_owned`, and the audiences that it activates. */
const ACCOUNT = { brand: { domain: 'novamotors.example' }, operator: 'pinnacle-agency.example' };
const AUDIENCES = ['prism_high_ltv', 'prism_cart_abandoner'];

interface Storyboard {
  readonly id: string;
  readonly required_tools?: readonly string[];
}
interface Step {
  readonly step_id: string;
  readonly passed: boolean;
  readonly skipped?: boolean;
  readonly error?: string;
  readonly validations?: readonly { readonly passed: boolean; readonly description: string; readonly error?: string }[];
}
interface Result {
  readonly overall_passed: boolean;
  readonly passed_count: number;
  readonly phases: readonly { readonly steps: readonly Step[] }[];
}
interface Sdk {
  resolveStoryboardsForCapabilities(capabilities: object): { readonly storyboards: readonly Storyboard[] };
  runStoryboard(url: string, storyboard: Storyboard, options: object): Promise<Result>;
}

export async function judgeStoryboards(url: string): Promise<Verdict> {
  // named by a variable, because the package is not among those of the project
  const name: string = '@adcp/sdk/testing';
  const sdk: Sdk = await import(name);
  const agent = `${url}/mcp`;
  const { tools } = await askService(agent, 'tools/list', {});
  const { supported_protocols, specialisms } = await useTool(agent, 'get_adcp_capabilities', {});
  const audiences = AUDIENCES.map((id, i) => ({
    audience_id: id,
    add: membersOf(USER_IDS.slice(40 * i, 40 * i + 40)),
  }));
  await useTool(agent, 'sync_audiences', { account: ACCOUNT, idempotency_key: 'judge-of-storyboards', audiences });

  const offered = new Set(tools.map((tool) => tool.name));
  const options = {
    ...{ allow_http: true, auth: { type: 'bearer', token: KEY } },
    test_kit: { auth: { api_key: KEY, probe_task: 'get_signals' } },
  };
  const [lines, faults, inapplicable]: string[][] = [[], [], []];
  const { storyboards } = sdk.resolveStoryboardsForCapabilities({ supported_protocols, specialisms });
  for (const storyboard of storyboards) {
    const { id, required_tools: required = [] } = storyboard;
    if (required.length > 0 && !required.some((tool) => offered.has(tool))) {
      inapplicable!.push(id);
      continue;
    }
    const result = await sdk.runStoryboard(agent, storyboard, options);
    const why = FAILING[id];
    const isExpected = why === undefined ? result.passed_count === PASSED[id] : !result.overall_passed;
    if (why !== undefined) lines!.push(`${id}: fails as expected: ${why}`);
    else lines!.push(`${id}: ${result.passed_count} steps pass`);
    if (!isExpected || (why === undefined && !result.overall_passed))
      faults!.push(`${id}: ${PASSED[id] ?? 'other'} steps should pass`, ...failuresOf(result));
  }
  const known = new Set(storyboards.map(({ id }) => id));
  for (const id of [...Object.keys(PASSED), ...Object.keys(FAILING)])
    if (!known.has(id)) faults!.push(`${id} does not apply`);
  lines!.push(`${inapplicable!.length} need tools that are not offered: ${inapplicable!.join(', ')}`);
  return { judge: '@adcp/sdk', lines: lines!, faults: faults! };
}

function failuresOf({ phases }: Result): string[] {
  const failed = phases.flatMap(({ steps }) => steps).filter(({ passed, skipped }) => !passed && skipped !== true);
  return failed.map(({ step_id: id, error, validations = [] }) => {
    const faults = validations.filter(({ passed }) => !passed).map((one) => `${one.description}: ${one.error}`);
    return `  ${id}: ${[error, ...faults].filter(Boolean).join('; ')}`;
  });
}
