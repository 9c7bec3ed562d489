/**
 * Changes a set of users with an upload. Reads and matches the ids, and refuses the whole upload if it does not meet
 * the requirements.
 */
import { setImmediate } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { canExpire, refuseMoreExpiries } from '../../domain/list-expiry.ts';
import type { SeedCounts } from '../../domain/types.ts';
import { type Change, type MatchedPopulation, matchedBy, type SetOwner } from '../../domain/user-sets.ts';
import { AppError } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { OpenRequests } from '../plugins/connections/open-requests.ts';
import { type EntryField, expiryField, weightField } from './entry-fields.ts';
import { identifyBy, identifyStored } from './identifiers.ts';
import { type Hint, MatchHints } from './match-hints.ts';
import type { OpenUploads } from './open-uploads.ts';
import { readUploadedIds } from './upload-ids.ts';
import { knownPercent, type ShownSet, type uploadQuery } from './user-set.ts';

/** Uploads in flight, with their connections. Shared by all upload routes. */
export interface OpenTransfers {
  readonly uploads: OpenUploads;
  readonly requests: OpenRequests;
}

/**
 * Applies an upload and returns the report of the changed set.
 * @throws AppError campaign_not_found, unavailable, too_few_known, too_many_seeds, storage_failed; invalid_request if
 * the body is longer than declared; and the errors of `readUploadedIds`. After an error, nothing has changed.
 */
export async function applyUpload(
  request: FastifyRequest,
  { owner, how }: { readonly owner: SetOwner; readonly how: Change },
  dependencies: ServerDependencies,
  { uploads, requests }: OpenTransfers,
): Promise<ShownSet> {
  const { clock, config, populations, store } = dependencies;
  const query = request.query as z.output<typeof uploadQuery>;
  const { min_known_percent: minimum = 0, dry_run: isDryRun = false } = query;
  const identify = how === 'remove' ? identifyBy(query) : identifyStored(query, dependencies.population);
  if (owner.kind !== 'common_suppression') await store.get(owner.campaignId);
  const place = uploads.open(request.raw.socket);
  const collected = store.userSets.collect();
  try {
    const isWeighted = owner.kind === 'seeds';
    const checkValues = isWeighted ? populations.openValueCheck(dependencies.population.features) : null;
    const expiries = new Map<string, number>();
    const reading = { config, clock, onLarge: place.becomeLarge, field: fieldOf(owner, how, dependencies), identify };
    await readUploadedIds(request, { ...reading, checkValues }, (userId, value, features) => {
      collected.add(userId, isWeighted ? value : undefined, features);
      if (isWeighted) return;
      if (value === undefined) expiries.delete(userId);
      else expiries.set(userId, value);
      refuseMoreExpiries(expiries.size, config.maximumExpiringUsers);
    });
    await place.beforeChange();
    await setImmediate(); // by now any data after the body has been seen
    const population = populationOf(dependencies);
    const hints = new MatchHints(population.has);
    const report = await store.userSets.change(owner, how, collected, population, config.maximumUploadIds, {
      isDryRun,
      maximumRows: config.maximumSeedRows,
      expiries,
      maximumExpiries: config.maximumExpiringUsers,
      consentBasis: query.consent_basis,
      action: request.pendingAction,
      onUnknown: (userId) => hints.see(userId),
      accept: (sent) => {
        requests.refuseOverrun(request.raw);
        refuseTooFewKnown(sent, minimum, hints.hints());
      },
    });
    const sent = { ...report.sent, hints: hints.hints() };
    return { ...report, sent, populationVersion: population.version, isDryRun };
  } finally {
    collected.close();
    place.release();
  }
}

/** The extra field that users of the set may have. */
function fieldOf({ kind }: SetOwner, how: Change, { clock, config }: ServerDependencies): EntryField | null {
  if (kind === 'seeds') return weightField(config.maximumSeedWeight);
  return canExpire({ kind }) && how !== 'remove' ? expiryField(() => clock.now()) : null;
}

/** Returns the parts of the served population version that are needed to match user ids. */
export function populationOf({ population }: ServerDependencies): MatchedPopulation {
  return matchedBy(population);
}

function refuseTooFewKnown(sent: SeedCounts, minimum: number, hints: readonly Hint[]): void {
  const { known, unknown, unknownExamples } = sent;
  const users = known + unknown;
  if (known * 100 >= minimum * users) return;
  const percent = knownPercent(sent);
  const message = `${known} of ${users} user ids are known (${percent} %), but at least ${minimum} % are required`;
  throw new AppError('too_few_known', message, {
    details: [{ pointer: 'min_known_percent', value: percent, limit: minimum, message }],
    facts: {
      known,
      unknown,
      known_percent: percent,
      min_known_percent: minimum,
      unknown_examples: unknownExamples,
      hints,
    },
  });
}
