/** An MCP server with tools. */
import { McpServer, type StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { AgentContext, AgentTool, Arguments } from './agent-tool.ts';
import type { JsonSchema } from './operation.ts';

const INSTRUCTIONS =
  'Ranks the users of a population by their similarity to the seed users of a campaign. Usual order: `estimate` with ' +
  'the seeds; `create`; `status` until the state is `ready`; `quality`; then `resize`, `export` or `members`. Results ' +
  'are those of the HTTP API, and errors are its problems, with a `code` and advice.';

/** Creates a server for the messages of one caller. */
export function createMcpServer(tools: readonly AgentTool[], context: AgentContext): McpServer {
  const server = new McpServer(
    { name: 'metaheac', title: 'MetaHeac look-alike audiences', version: PACKAGE_VERSION },
    { instructions: INSTRUCTIONS, capabilities: { tools: {} } },
  );
  for (const { name, title, description, annotations, inputSchema, outputSchema, run } of tools) {
    server.registerTool(
      name,
      {
        title,
        description,
        annotations: { title, ...annotations },
        inputSchema: unchecked(inputSchema),
        outputSchema: unchecked(outputSchema),
      },
      async (args) => run((args ?? {}) as Arguments, context),
    );
  }
  return server;
}

/** A schema that is shown and not applied: a tool checks its arguments, and makes its results. */
function unchecked(schema: JsonSchema): StandardSchemaWithJSON {
  return {
    '~standard': {
      version: 1,
      vendor: 'metaheac',
      validate: (value) => ({ value }),
      jsonSchema: { input: () => ({ ...schema }), output: () => ({ ...schema }) },
    },
  };
}
