/** `metaheac mcp`: the tools of a running service for one agent, on stdin and stdout. */
import { once } from 'node:events';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { openApiDocument } from '../../http/app.ts';
import { apiTools } from '../../http/mcp/api-tools.ts';
import type { ApiDocument } from '../../http/mcp/operation.ts';
import { createMcpServer } from '../../http/mcp/server.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Output } from '../../lib/output.ts';
import { ServiceClient } from './model/service-client.ts';

/** Serves until stdin ends. stdout holds the protocol alone. */
export async function mcpCommand(url: string, key: string | undefined, output: Output): Promise<void> {
  const note = (text: string) => output.note(text);
  const client = new ServiceClient(url, key, { note });
  const tools = apiTools((await openApiDocument()) as ApiDocument);
  const server = serveStdio(
    () =>
      createMcpServer(tools, {
        url,
        actor: '',
        labels: {},
        call: async ({ method, url: path, headers, body }) => {
          const response = await client.send({ method, path, headers, body: body && [...body].join('') });
          return { status: response.status, body: await response.text() };
        },
      }),
    { onerror: (error) => note(messageOf(error)) },
  );
  note(`serving the tools of ${url} on stdin and stdout`);
  await once(process.stdin, 'close');
  await server.close();
}
