/** `npm run judges`: lets the published judges of MCP and AdCP judge the service. Exit code 1 on any unexpected result. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// @ts-expect-error: scripts are plain JavaScript
import { isInstalled, runNpm } from '../../scripts/install.mjs';
import { judgeConformance } from './conformance.ts';
import { judgeInspector } from './inspector.ts';
import type { Verdict } from './judge.ts';
import { startServices } from './service.ts';
import { judgeStoryboards } from './storyboards.ts';

const print = (line: string) => process.stdout.write(`${line}\n`);
const HERE = import.meta.dirname;
if (!isInstalled(HERE) && runNpm(HERE, ['ci', '--ignore-scripts', '--no-audit', '--no-fund']).status !== 0) {
  print('SKIPPED: nothing was judged, because the packages of test/judges/package-lock.json could not be installed');
  process.exit(process.env['CI'] === undefined ? 0 : 1);
}

const folder = mkdtempSync(join(tmpdir(), 'metaheac-judges-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const { keyed, open } = await startServices(folder);
const verdicts: readonly Verdict[] = await Promise.all([
  judgeConformance(open.url, folder),
  judgeStoryboards(keyed.url),
  judgeInspector(keyed, folder),
]);
await Promise.all([keyed.close(), open.close()]);
for (const { judge, lines, faults } of verdicts) {
  print(judge);
  for (const line of lines) print(`  ${line}`);
  for (const fault of faults) print(`  UNEXPECTED ${fault}`);
}
process.exit(verdicts.every(({ faults }) => faults.length === 0) ? 0 : 1);
