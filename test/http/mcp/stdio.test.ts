/** `metaheac mcp`: an agent speaks with the command, and the command with a service. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { program } from '../../fixture/program.ts';
import { importUsers, openFixture } from '../fixture.ts';

const KEY = 'operators-key-of-this-test';
const server = await openFixture(await importUsers(), { apiKey: KEY });

it('lists tools and calls them with its key, and ends with its input', { timeout: 60_000 }, async () => {
  const url = await server.app.listen({ host: '127.0.0.1', port: 0 });
  const env = { ...process.env, METAHEAC_API_KEY: KEY };
  const agent = spawn(process.execPath, [program(), 'mcp', '--url', url], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = createInterface({ input: agent.stdout })[Symbol.asyncIterator]();
  const ask = async (id: number, method: string, params: object = {}) => {
    agent.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return JSON.parse((await lines.next()).value ?? 'null');
  };
  const clientInfo = { name: 'test', version: '1' };
  const { result } = await ask(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  expect(result.serverInfo.name).toBe('metaheac');
  expect((await ask(2, 'tools/list')).result.tools.length).toBeGreaterThan(7);
  const call = await ask(3, 'tools/call', { name: 'status', arguments: { id: 'nope' } });
  expect(call.result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('no campaign nope') }],
  });
  agent.stdin.end();
  expect(await once(agent, 'exit')).toEqual([0, null]);
});
