/** The Model Context Protocol over HTTP. Tools call the routes of the API, with the key of the caller. */
import { Readable } from 'node:stream';
import { createMcpHandler } from '@modelcontextprotocol/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Scope } from '../../domain/api-keys.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { JSON_TYPE } from '../../lib/media-types.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { Access } from '../plugins/access/access.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { adcpDependencies } from './adcp/dependencies.ts';
import { adcpTools } from './adcp/tools.ts';
import type { AgentTool, CallApi } from './agent-tool.ts';
import { apiTools } from './api-tools.ts';
import type { ApiDocument } from './operation.ts';
import { createMcpServer } from './server.ts';

/** A request or a notification. */
const message = z
  .strictObject({
    jsonrpc: z.literal('2.0').describe('Version of JSON-RPC.'),
    id: z.union([z.string(), z.int()]).optional().describe('Id of the request; absent in a notification.'),
    method: z.string().describe('Method of the protocol, such as `tools/call`.'),
    params: z.record(z.string(), z.unknown()).optional().describe('Parameters, which depend on the method.'),
  })
  .meta({
    description: 'A JSON-RPC 2.0 message.',
    examples: [{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'status', arguments: { id: 'c1' } } }],
  });
const response = z
  .object({
    jsonrpc: z.literal('2.0').describe('Version of JSON-RPC.'),
    id: z.union([z.string(), z.int(), z.null()]).describe('Id of the request; `null` if it could not be read.'),
    result: z.record(z.string(), z.unknown()).optional().describe('The result, which depends on the method.'),
    error: z.looseObject({ code: z.int(), message: z.string() }).optional().describe('Why there is no result.'),
  })
  .meta({ examples: [{ jsonrpc: '2.0', id: 1, result: { content: [], structuredContent: { id: 'c1' } } }] });

export function addMcpRoutes(app: ServerApp, dependencies: ServerDependencies, access: Pick<Access, 'admit'>): void {
  const readTools = toolsOf(app, dependencies);
  const answerTo = answering(app, dependencies, readTools);

  app.post(
    '/mcp',
    {
      ...describeRoute({
        operationId: 'callMcp',
        scope: 'read',
        labels: 'heeded',
        tags: ['agents'],
        summary: 'Call a tool as an agent',
        description:
          'The Streamable HTTP transport of the Model Context Protocol, without sessions. Tools call the operations of ' +
          'this API with the key of the request, so that scopes, labels, limits and the audit log apply.',
        body: message,
        response: {
          200: json('The response to the message.', response),
          202: { description: 'The notification was accepted.' },
        },
        stored: false,
      }),
      preHandler: async ({ body, headers }) => {
        const called = body.method === 'tools/call' ? body.params?.['name'] : undefined;
        const tool = readTools().find(({ name }) => name === called);
        if (tool !== undefined) await access.admit(headers.authorization, tool.scope as Scope);
      },
    },
    async (request, reply) => {
      const answer = await answerTo(request);
      const text = await answer.text();
      // the transport wraps the response in a stream of one event, although tools send nothing else
      const body = /^data: (.*)$/m.exec(text)?.[1] ?? text;
      if (answer.status >= 400) throw new AppError('invalid_request', refusalOf(body));
      if (body === '') return (reply as FastifyReply).code(202).send();
      return reply.type(JSON_TYPE).send(JSON.parse(body));
    },
  );
}

/** Returns the tools, which are read from the document of the API when it is complete. */
function toolsOf(app: ServerApp, dependencies: ServerDependencies): () => readonly AgentTool[] {
  let tools: readonly AgentTool[] | undefined;
  return () => {
    if (tools !== undefined) return tools;
    const document: ApiDocument = JSON.parse(JSON.stringify(app.swagger()));
    tools = [...apiTools(document), ...adcpTools(adcpDependencies(dependencies))];
    return tools;
  };
}

/** Returns a function that answers a message. Tools call the API with the key of the message. */
function answering(
  app: ServerApp,
  { logger }: Pick<ServerDependencies, 'logger'>,
  readTools: () => readonly AgentTool[],
) {
  const requests = new WeakMap<Request, FastifyRequest>();
  const handler = createMcpHandler(
    ({ requestInfo }) => {
      const { id, ip, headers: given, caller, protocol } = requests.get(requestInfo!)!;
      const { authorization, host } = given;
      const own = { host, 'x-request-id': id, ...(authorization === undefined ? {} : { authorization }) };
      const call: CallApi = async ({ method, url, headers, body }) => {
        const request = { method: method as 'GET', url, headers: { ...headers, ...own }, remoteAddress: ip };
        const payload = body === undefined || typeof body === 'string' ? body : Readable.from(body);
        const injected = await app.inject(payload === undefined ? request : { ...request, payload });
        return { status: injected.statusCode, body: injected.body };
      };
      return createMcpServer(readTools(), {
        call,
        actor: caller!.actor,
        labels: caller!.labels ?? {},
        url: `${protocol}://${host}/mcp`,
      });
    },
    {
      maxSubscriptions: 0,
      onerror: (error) => logger.warn({ error: messageOf(error) }, 'a message of an agent was refused'),
    },
  );
  app.addHook('onClose', () => handler.close());
  return (request: FastifyRequest) => {
    const accept = 'application/json, text/event-stream';
    const whole = new Request('http://localhost/mcp', {
      method: 'POST',
      headers: { ...textsOf(request.headers), accept },
    });
    requests.set(whole, request);
    return handler.fetch(whole, { parsedBody: request.body });
  };
}

/** Why the transport refused a message. */
function refusalOf(body: string): string {
  return response.safeParse(JSON.parse(body)).data?.error?.message ?? 'the message is not valid';
}

function textsOf(headers: FastifyRequest['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
