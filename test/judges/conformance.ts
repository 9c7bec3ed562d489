/** The conformance suite of the Model Context Protocol. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool, type Verdict } from './judge.ts';

const EXPECTED = join(import.meta.dirname, 'conformance.yaml');
/** How a scenario fails whose tool or method a server does not have. */
const LACKS_FIXTURE = /-32601: Method not found|Tool '?\w+'? not found/;

interface Check {
  readonly status: string;
  readonly errorMessage?: string;
}

export async function judgeConformance(url: string, home: string): Promise<Verdict> {
  const out = join(home, 'conformance');
  const args = ['server', '--url', `${url}/mcp`, '--suite', 'all', '--expected-failures', EXPECTED, '-o', out];
  const { code, stdout, stderr } = await runTool('@modelcontextprotocol/conformance/dist/index.js', args, home);
  const faults = code === 0 ? [] : [`${stdout.slice(stdout.indexOf('=== SUMMARY'))}${stderr}`];
  // an expected failure has no other reason than the one for which it is expected
  for (const name of readdirSync(out)) {
    const checks: readonly Check[] = JSON.parse(readFileSync(join(out, name, 'checks.json'), 'utf8'));
    for (const { status, errorMessage = '' } of checks)
      if (status === 'FAILURE' && !LACKS_FIXTURE.test(errorMessage)) faults.push(`${name}: ${errorMessage}`);
  }
  const passed = [...stdout.matchAll(/^✓ (\S+): [1-9]/gm)].map(([, name]) => name!);
  const expected = [...stdout.matchAll(/^ {2}~ /gm)].length;
  if (passed.length === 0) faults.push('no scenario passes');
  return {
    judge: '@modelcontextprotocol/conformance',
    lines: [
      `${passed.length} scenarios pass: ${passed.join(', ')}`,
      `${expected} do not, as expected (conformance.yaml)`,
    ],
    faults,
  };
}
