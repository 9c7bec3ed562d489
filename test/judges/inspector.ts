/** The command line of MCP's inspector: lists the tools and calls each of them, over HTTP and over stdio. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBundle } from '../fixture/bundle.ts';
import type { StartedService } from '../fixture/start-service.ts';
import { runTool, useTool, type Verdict } from './judge.ts';
import { KEY, membersOf, USER_IDS } from './service.ts';

/** An expansion that takes longer has failed. */
const LIMIT_MS = 60_000;
const SEEDS = USER_IDS.slice(0, 40);

/** Calls of AdCP's tools, in this order. */
const ADCP: readonly (readonly [string, object])[] = [
  ['get_adcp_capabilities', {}],
  ['list_accounts', {}],
  [
    'sync_audiences',
    { idempotency_key: 'inspector-audiences', audiences: [{ audience_id: 'inspected', add: membersOf(SEEDS) }] },
  ],
  ['get_signals', { signal_spec: 'inspected' }],
  [
    'activate_signal',
    {
      ...{ idempotency_key: 'inspector-activation', signal_agent_segment_id: 'inspected' },
      destinations: [{ type: 'platform', platform: 'dsp' }],
    },
  ],
];

export async function judgeInspector(service: Pick<StartedService, 'url'>, home: string): Promise<Verdict> {
  const config = join(home, 'mcp.json');
  // the bundle starts faster than the sources, in each call
  const command = [join(await makeBundle(), 'cli/main.js'), 'mcp', '--url', service.url];
  const http = { type: 'streamable-http', url: `${service.url}/mcp`, headers: { Authorization: `Bearer ${KEY}` } };
  const stdio = { command: process.execPath, args: command, env: { METAHEAC_API_KEY: KEY } };
  writeFileSync(config, JSON.stringify({ mcpServers: { http, stdio } }));
  const [lines, faults]: string[][] = [[], []];
  for (const server of ['http', 'stdio']) {
    const ask = async (method: string, ...more: readonly string[]) => {
      const args = ['--config', config, '--server', server, '--method', method, '--format', 'json', '--quiet', ...more];
      const ended = await runTool('@modelcontextprotocol/inspector/clients/cli/build/index.js', args, home);
      if (ended.code !== 0) faults!.push(`${server}: ${method} ${more.join(' ').slice(0, 200)}: ${ended.stderr}`);
      return ended.code === 0 ? JSON.parse(ended.stdout).result : {};
    };
    const called = new Set<string>();
    const call = async (name: string, args: object) => {
      called.add(name);
      return (await ask('tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args))).structuredContent;
    };
    const { tools = [] } = await ask('tools/list', '--strict');
    const names: readonly string[] = tools.map(({ name }: { name: string }) => name);
    await callEach(call, http.url);
    if (server === 'http') for (const [name, args] of ADCP) await call(name, args);
    lines!.push(`${server}: ${names.length} tools listed and called: ${names.join(', ')}`);
    const missed = names.filter((name) => !called.has(name));
    if (missed.length > 0 || names.length !== called.size) faults!.push(`${server}: not called: ${missed}`);
  }
  return { judge: '@modelcontextprotocol/inspector', lines: lines!, faults: faults! };
}

/** Calls the tools of the API about one campaign. */
async function callEach(call: (name: string, args: object) => Promise<{ id?: string } | undefined>, url: string) {
  const campaign = { name: 'inspected', seeds: SEEDS, audience: { size: 30 }, holdout_percent: 20 };
  const id = (await call('create', campaign))?.id;
  for (const end = performance.now() + LIMIT_MS; performance.now() < end; await sleep(100))
    if ((await useTool(url, 'status', { id }))['state'] === 'ready') break;
  await call('estimate', { seeds: SEEDS });
  await call('status', { id });
  await call('quality', { id });
  await call('members', { id, user_ids: SEEDS });
  await call('export', { id, limit: 5 });
  await call('lift', { id });
  await call('resize', { id, audience: { size: 20 } });
}
