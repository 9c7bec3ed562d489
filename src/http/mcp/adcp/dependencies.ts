/** What the tools of AdCP take from the service directly. */
import { createHash } from 'node:crypto';
import { AnsweredBefore } from '../../../domain/idempotency.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ServerDependencies } from '../../dependencies.ts';
import { AdcpFault } from './fault.ts';
import type { AdcpDependencies } from './tools.ts';

export function adcpDependencies({ store, config, served }: ServerDependencies): AdcpDependencies {
  return {
    served: (labels) => ({
      labels,
      population: served().population,
      minimum: config.minimumSeeds,
      prices: config.signalPrices,
      membersOf: async (ids) => {
        // of a population without users, all members are unknown, so all are listed
        const nobody = { version: served().population.version, has: () => false };
        const members = ids.map((campaignId) => store.userSets.unknownOf({ kind: 'seeds', campaignId }, nobody));
        return linesOf(await Promise.all(members));
      },
    }),
    once: async (key, identity, make) => {
      const request = {
        key: `adcp:${key}`,
        requestSha256: createHash('sha256').update(JSON.stringify(identity)).digest('hex'),
      };
      try {
        const answered = await store.answerOf(request);
        if (answered !== null) return replayed(answered);
        const made = await make();
        await store.keepAnswer({ ...request, answer: JSON.stringify }, made);
        return made;
      } catch (error) {
        if (error instanceof AnsweredBefore) return replayed((await store.answerOf(request)) ?? '{}');
        if (!(error instanceof AppError) || error.code !== 'idempotency_key_reused') throw error;
        throw new AdcpFault('IDEMPOTENCY_CONFLICT', error.message, { field: 'idempotency_key' });
      }
    },
  };
}

/** AdCP marks repeated answers. */
function replayed(answer: string): object {
  return { ...JSON.parse(answer), replayed: true };
}

function* linesOf(sets: readonly Iterable<readonly string[]>[]): Generator<string, void, void> {
  for (const set of sets) for (const block of set) if (block.length > 0) yield `${block.join('\n')}\n`;
}
