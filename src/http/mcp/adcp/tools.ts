/** The tools of AdCP (Ad Context Protocol) 3, for buyers' agents. */
import { z } from 'zod';
import { type AgentContext, type AgentTool, type Arguments, READS } from '../agent-tool.ts';
import type { JsonSchema } from '../operation.ts';
import { ownAccount } from './account.ts';
import { type Api, apiOf } from './api.ts';
import { type Served, syncAudiences, syncAudiencesInput } from './audiences.ts';
import { getSignals, getSignalsInput } from './catalogue.ts';
import { AdcpFault } from './fault.ts';
import { activateSignal, activateSignalInput } from './signals.ts';

const DAY_SECONDS = 24 * 3600;
const CHANGES = { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false } as const;

/** What the tools need besides the API. */
export interface AdcpDependencies {
  served(labels: Served['labels']): Served;
  /** Makes an answer once for each key, and repeats it later as `replayed`. @throws AdcpFault IDEMPOTENCY_CONFLICT */
  once(key: string, identity: unknown, make: () => Promise<object>): Promise<object>;
}

interface Declaration<S extends z.ZodType> extends Pick<AgentTool, 'title' | 'description' | 'annotations' | 'scope'> {
  readonly name: string;
  readonly input: S;
  readonly results: readonly string[];
  answer(api: Api, args: z.output<S>, context: AgentContext): Promise<object>;
}

export function adcpTools({ served, once }: AdcpDependencies): readonly AgentTool[] {
  return [
    define({
      name: 'get_adcp_capabilities',
      title: 'Read what this agent supports',
      description: 'Returns the protocols, identifiers and limits of AdCP that this agent supports.',
      annotations: READS,
      scope: 'read',
      input: z.looseObject({}),
      results: ['adcp', 'supported_protocols'],
      answer: async (_api, _args, { labels }) => capabilities(served(labels).minimum),
    }),
    define({
      name: 'list_accounts',
      title: 'List accounts',
      description: 'Returns the accounts. An account that is named by brand and operator need not be created.',
      annotations: READS,
      scope: 'read',
      input: z.looseObject({}),
      results: ['accounts'],
      answer: async (_api, _args, { labels }) => ({
        accounts: [{ account_id: ownAccount(labels), name: ownAccount(labels), status: 'active' }],
        pagination: { has_more: false },
      }),
    }),
    define({
      name: 'sync_audiences',
      title: 'Synchronise audiences',
      description:
        'Creates, changes and deletes audiences of people with hashed identifiers, and reports how many are users. ' +
        'Without `audiences`, lists the audiences of the account.',
      annotations: CHANGES,
      scope: 'write',
      input: syncAudiencesInput,
      results: ['audiences'],
      answer: async (api, { idempotency_key: key, context: _, ...args }, { actor, labels }) => {
        const sync = () => syncAudiences(api, args, served(labels));
        return args.audiences === undefined ? sync() : once(`${actor}:${key}`, args, sync);
      },
    }),
    define({
      name: 'get_signals',
      title: 'Find signals',
      description: 'Lists look-alike audiences that can be activated, the most relevant to `signal_spec` first.',
      annotations: READS,
      scope: 'read',
      input: getSignalsInput,
      results: ['signals'],
      answer: async (api, args, { url, labels }) => getSignals(api, args, served(labels), url),
    }),
    define({
      name: 'activate_signal',
      title: 'Activate a signal',
      description:
        'Ranks all users by their similarity to a signal, and returns the key of the audience for each destination.',
      annotations: CHANGES,
      scope: 'write',
      input: activateSignalInput,
      results: ['deployments'],
      answer: async (api, { idempotency_key: key, context: _, ...args }, { actor, labels }) =>
        once(`${actor}:${key}`, args, () => activateSignal(api, { ...args, idempotency_key: key }, served(labels))),
    }),
  ];
}

function define<S extends z.ZodType>({ input, answer, results, ...tool }: Declaration<S>): AgentTool {
  const properties = Object.fromEntries(
    ['status', ...results, 'replayed', 'context', 'ext', 'errors', 'adcp_error'].map((name) => [name, {}]),
  );
  return {
    ...tool,
    inputSchema: z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as JsonSchema,
    outputSchema: { type: 'object', properties },
    run: async (args, agent) => {
      const context = args['context'] === undefined ? {} : { context: args['context'] };
      try {
        return resultOf({
          status: 'completed',
          ...(await answer(apiOf(agent.call), read(input, args), agent)),
          ...context,
        });
      } catch (error) {
        if (!(error instanceof AdcpFault)) throw error;
        const fault = error.toJSON();
        return { ...resultOf({ status: 'failed', adcp_error: fault, errors: [fault], ...context }), isError: true };
      }
    },
  };
}

function resultOf(value: object) {
  return { content: [{ type: 'text' as const, text: JSON.stringify(value) }], structuredContent: { ...value } };
}

function read<S extends z.ZodType>(input: S, args: Arguments): z.output<S> {
  const { adcp_major_version: version } = args;
  if (version !== undefined && version !== 3)
    throw new AdcpFault('VERSION_UNSUPPORTED', 'this agent supports version 3', { field: 'adcp_major_version' });
  const { data, error } = input.safeParse(args);
  if (error === undefined) return data;
  const [issue] = error.issues;
  const field = issue!.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1);
  throw new AdcpFault('VALIDATION_ERROR', `${field}: ${issue!.message}`, { field });
}

function capabilities(minimum: number) {
  return {
    adcp: { major_versions: [3], idempotency: { supported: true, replay_ttl_seconds: DAY_SECONDS } },
    supported_protocols: ['media_buy', 'signals'],
    specialisms: ['audience-sync', 'signal-owned'],
    account: { require_operator_auth: false, supported_billing: ['operator'] },
    media_buy: {
      features: { audience_targeting: true },
      audience_targeting: {
        supported_identifier_types: ['hashed_email', 'hashed_phone'],
        supported_uid_types: ['rampid', 'uid2', 'maid'],
        minimum_audience_size: minimum,
        matching_latency_hours: { min: 0, max: 0 },
      },
    },
    signals: { features: { catalog_signals: false } },
  };
}
