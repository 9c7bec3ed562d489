/** A tool that agents may call. */
import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/server';
import type { ApiRequest, JsonSchema } from './operation.ts';

/** The response of the API. */
export interface ApiResponse {
  readonly status: number;
  readonly body: string;
}

/** Sends a request to the API with the key of the caller. */
export type CallApi = (request: ApiRequest) => Promise<ApiResponse>;

/** One message of an agent. */
export interface AgentContext {
  readonly call: CallApi;
  /** The URL that the agent called. */
  readonly url: string;
  /** The agent's name in the audit log. */
  readonly actor: string;
  /** Labels of the only campaigns that the agent may see; none if it may see all. */
  readonly labels: Readonly<Record<string, string>>;
}

export type Arguments = Readonly<Record<string, unknown>>;

export interface AgentTool {
  readonly name: string;
  readonly title: string;
  /** What the tool does and when to call it, for a language model. */
  readonly description: string;
  readonly annotations: ToolAnnotations;
  /** The scope that a key needs to call the tool. */
  readonly scope: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  run(args: Arguments, context: AgentContext): Promise<CallToolResult>;
}

/** Hints about tools that only read. */
export const READS: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };
