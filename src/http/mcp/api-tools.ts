/** The tools that agents may call. Each tool calls one operation of the API; its schemas are those of the operation. */
import type { ToolAnnotations } from '@modelcontextprotocol/server';
import { AppError, assert } from '../../lib/errors.ts';
import { type AgentTool, type ApiResponse, READS } from './agent-tool.ts';
import { type ApiDocument, findOperation } from './operation.ts';

/** A tool as it is declared. */
interface ToolDeclaration extends Pick<AgentTool, 'title' | 'description' | 'annotations'> {
  readonly operationId: string;
  /** The only arguments of the operation that the tool takes; by default all of them. */
  readonly only?: readonly string[];
}

/** Calls that create something each time, unless the caller passes an idempotency key. */
const CREATES: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: false,
};
const CHANGES: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: true,
  openWorldHint: false,
};

const TOOLS: Readonly<Record<string, ToolDeclaration>> = {
  estimate: {
    operationId: 'createEstimate',
    title: 'Estimate an audience',
    description:
      'Predicts how good a look-alike audience of these seed users would be, without storing anything. Call it ' +
      'before `create`, to see how many seeds are known and whether the seeds have enough in common.',
    annotations: READS,
  },
  create: {
    operationId: 'createCampaign',
    title: 'Create a campaign and its audience',
    description:
      'Stores a campaign with its seed users and starts an expansion, which ranks all users by their similarity to the ' +
      'seeds. Returns at once; call `status` until the state is `ready`. Pass an `idempotency_key` if you might repeat ' +
      'the call.',
    annotations: CREATES,
  },
  status: {
    operationId: 'getCampaign',
    title: 'Read the state of a campaign',
    description:
      'Returns a campaign with its state (`queued`, `adapting`, `scoring`, `ready`, `too_small`, `failed`, ...), the ' +
      'size and version of its audience, and the reason if there is none.',
    annotations: READS,
  },
  quality: {
    operationId: 'getAudienceQuality',
    title: 'Read the predicted quality of an audience',
    description:
      'Returns what an audience is predicted to be worth: the verdict, recall and lift over a random choice by size, ' +
      'and the interval of each. Needs a ready audience.',
    annotations: READS,
  },
  resize: {
    operationId: 'updateCampaign',
    title: 'Resize an audience',
    description:
      'Cuts the ranking of a ready audience at another size, without a new expansion. The new cut is a new version of ' +
      'the audience, which is served at once.',
    only: ['id', 'if_match', 'audience', 'cuts'],
    annotations: CHANGES,
  },
  members: {
    operationId: 'batchGetMemberships',
    title: 'Look users up in an audience',
    description:
      'Says for each of up to a few thousand users whether the user is in the audience, with rank and score.',
    annotations: READS,
  },
  export: {
    operationId: 'getAudience',
    title: 'Read an audience page by page',
    description:
      'Returns one page of the ranked users of an audience. Pass `next_cursor` as `cursor` for the next page. Use ' +
      'destinations or the HTTP API for exports of millions of users.',
    annotations: READS,
  },
  lift: {
    operationId: 'getLift',
    title: 'Measure the lift of an audience',
    description:
      'Compares conversions of the audience with those of its hold-out: conversion rates of both arms, absolute and ' +
      'relative lift with intervals, and incremental conversions. Needs a campaign with a hold-out.',
    annotations: READS,
  },
};

/** Binds the declared tools to the operations of the API. */
export function apiTools(document: ApiDocument): readonly AgentTool[] {
  return Object.entries(TOOLS).map(([name, { operationId, only, ...tool }]) => {
    const operation = findOperation(document, operationId, only);
    assert(operation !== null, `the API has the operation ${operationId}`);
    const { scope, inputSchema, outputSchema, requestOf } = operation;
    const run: AgentTool['run'] = async (args, { call }) => {
      const { status, body } = await attempt(async () => call(requestOf(args)));
      const content = [{ type: 'text' as const, text: body }];
      if (status >= 400) return { content, isError: true };
      return { content, structuredContent: JSON.parse(body) };
    };
    return { ...tool, name, scope, inputSchema, outputSchema, run };
  });
}

/** Calls the API. A failure of which the API knows nothing gets the form of its problems. */
async function attempt(call: () => Promise<ApiResponse>): Promise<ApiResponse> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { status: 400, body: JSON.stringify({ code: error.code, detail: error.message }) };
  }
}
