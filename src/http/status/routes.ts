/** The route of the service's status: one look at all that an operator asks for. */
import type { z } from 'zod';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { EngineStatus } from '../../service/ports/health.ts';
import { presentClock } from '../clock/schemas.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { Part } from '../health/readiness.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { KEPT_ERRORS, type LastErrors } from '../plugins/last-errors.ts';
import { presentTime } from '../plugins/present-time.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { statusSchema } from './schemas.ts';

/** What this route calls. */
export type StatusNeeds = Pick<
  ServerDependencies,
  'store' | 'engine' | 'machine' | 'storage' | 'served' | 'webhooks' | 'clock'
>;

/** What the server itself knows. */
export interface Observed {
  readonly partsOf: () => readonly Part[];
  readonly errors: LastErrors;
  /** In milliseconds, as the clock has them. */
  readonly started: { readonly at: number; readonly elapsed: number };
}

/** Damaged files that are named; all are counted. */
const SHOWN_DAMAGE = 20;

type Status = z.output<typeof statusSchema>;

export function addStatusRoutes(app: ServerApp, dependencies: StatusNeeds, observed: Observed): void {
  app.get(
    '/v1/status',
    {
      schema: describeRoute({
        operationId: 'getStatus',
        scope: 'read',
        tags: ['information'],
        summary: 'Get the state of the service: versions, queue, engine, disk, last errors',
        description: 'For people and scripts of operators. It names no user; `/metrics` has what is to be graphed.',
        response: { 200: json('The status.', statusSchema) },
      }),
    },
    async () => ({
      ...presentParts(observed.partsOf()),
      versions: versionsOf(dependencies),
      started_at: presentTime(observed.started.at),
      uptime_seconds: (dependencies.clock.elapsed() - observed.started.elapsed) / 1000,
      clock: presentClock(dependencies.clock.now(), dependencies.clock.status),
      queue: presentQueue(dependencies),
      engine: presentEngine(dependencies.engine()),
      disk: presentDisk(dependencies),
      files: { damaged: dependencies.storage.damaged(), set_aside: [...dependencies.storage.setAside()] },
      damage: presentDamage(dependencies),
      webhooks: { pending: dependencies.store.outbox.pendingCount(), ...dependencies.webhooks.counts() },
      last_errors: presentErrors(dependencies, observed.errors),
    }),
  );
}

function presentParts(parts: readonly Part[]): Pick<Status, 'ready' | 'parts'> {
  return { ready: parts.every(({ ready }) => ready), parts: [...parts] };
}

function versionsOf({ store, served }: StatusNeeds): Status['versions'] {
  const { model, population } = served();
  return {
    service: PACKAGE_VERSION,
    model: model.version,
    population: population.version,
    database_schema: store.health.schemaVersion(),
  };
}

function presentQueue({ store }: StatusNeeds): Status['queue'] {
  const { depth, oldestSeconds } = store.health.queue();
  return { depth, oldest_seconds: oldestSeconds, by_state: store.countsByState() };
}

function presentEngine({ ready, detail, restarts, heartbeat, ...engine }: EngineStatus): Status['engine'] {
  return {
    ...{ ready, detail, restarts, hung: engine.hung ?? 0, last_end: engine.lastEnd ?? null },
    threads: heartbeat?.threads ?? null,
    expanding: heartbeat?.expanding ?? null,
    heartbeat_age_seconds: heartbeat ? heartbeat.ageMs / 1000 : null,
    resident_bytes: heartbeat?.residentBytes ?? null,
    users_scored: engine.usersScored ?? 0,
  };
}

function presentDisk({ machine, storage }: StatusNeeds): Status['disk'] {
  try {
    const { freeBytes, totalBytes } = machine.disk();
    return { free_bytes: freeBytes, total_bytes: totalBytes, reserve_file_bytes: storage.reserveFileBytes() };
  } catch {
    // the part `disk` says why
    return null;
  }
}

function presentDamage({ storage }: StatusNeeds): Status['damage'] {
  const all = storage.damage();
  return {
    count: all.length,
    files: all
      .slice(0, SHOWN_DAMAGE)
      .map(({ kind, path, foundAt }) => ({ kind, path, found_at: presentTime(foundAt) })),
  };
}

function presentErrors({ store }: StatusNeeds, errors: LastErrors): Status['last_errors'] {
  const none = { campaign_id: null, expansion_id: null, route: null };
  const ofExpansions = store.health.lastFailures(KEPT_ERRORS).map(({ campaignId, expansionId, code, at }) => ({
    ...{ at, code },
    ids: { campaign_id: campaignId, expansion_id: expansionId },
  }));
  const ofRequests = errors.list().map(({ code, route, at }) => ({ at, code, ids: { route } }));
  return [...ofExpansions, ...ofRequests]
    .sort((a, b) => b.at - a.at)
    .slice(0, KEPT_ERRORS)
    .map(({ at, code, ids }) => ({ ...none, ...ids, code, at: presentTime(at) }));
}
