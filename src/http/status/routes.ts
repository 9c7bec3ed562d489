/** The route that returns the status of the service, an overview for operators. */
import type { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { EngineStatus } from '../../service/ports/health.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { Part } from '../health/readiness.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import type { Answered } from '../plugins/request-log.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { status } from './status.ts';

/** State of the HTTP server. */
export interface Observed {
  readonly partsOf: () => Promise<readonly Part[]>;
  readonly errors: LastErrors;
  /** Milliseconds since 1970, by the service's clock. */
  readonly started: { readonly at: number; readonly elapsed: number };
}

/** Maximum number of damaged files in the list. The count includes all damaged files. */
const SHOWN_DAMAGE = 20;

type Status = z.input<typeof status>;

export function addStatusRoutes(app: ServerApp, dependencies: ServerDependencies, observed: Observed): void {
  app.get(
    '/v1/status',
    describeRoute({
      operationId: 'getStatus',
      scope: 'read',
      tags: ['information'],
      summary: 'Get the state of the service, with versions, queue, engine, disk and last errors',
      description:
        'An overview for operators and their scripts, which names no user. `/metrics` has values for graphs.',
      response: { 200: json('The status of the service.', status) },
    }),
    async () => ({
      ...partsOf(await observed.partsOf()),
      versions: await versionsOf(dependencies),
      started_at: observed.started.at,
      uptime_seconds: (dependencies.clock.elapsed() - observed.started.elapsed) / 1000,
      clock: { ...dependencies.clock.status, time: dependencies.clock.now() },
      queue: await queueOf(dependencies),
      engine: engineOf(dependencies.engine()),
      disk: diskOf(dependencies),
      files: { damaged: dependencies.storage.damaged(), set_aside: [...(await dependencies.storage.setAside())] },
      damage: damageOf(dependencies),
      webhooks: { pending: await dependencies.store.outbox.pendingCount(), ...dependencies.webhooks.counts() },
      last_errors: await errorsOf(dependencies, observed.errors),
    }),
  );
}

function partsOf(parts: readonly Part[]): Pick<Status, 'ready' | 'parts'> {
  return { ready: parts.every(({ ready }) => ready), parts };
}

async function versionsOf({ store, served }: ServerDependencies): Promise<Status['versions']> {
  const { model, population } = served();
  return {
    service: PACKAGE_VERSION,
    model: model.version,
    population: population.version,
    database_schema: await store.health.schemaVersion(),
  };
}

async function queueOf({ store }: ServerDependencies): Promise<Status['queue']> {
  const { depth, oldestSeconds } = await store.health.queue();
  return { depth, oldest_seconds: oldestSeconds, by_state: await store.countsByState() };
}

function engineOf({ ready, detail, restarts, heartbeat, ...engine }: EngineStatus): Status['engine'] {
  return {
    ...{ ready, detail, restarts, hung: engine.hung ?? 0, last_end: engine.lastEnd ?? null },
    threads: heartbeat?.threads ?? null,
    expanding: heartbeat?.expanding ?? null,
    heartbeat_age_seconds: heartbeat ? heartbeat.ageMs / 1000 : null,
    resident_bytes: heartbeat?.residentBytes ?? null,
    users_scored: engine.usersScored ?? 0,
  };
}

function diskOf({ machine, storage }: ServerDependencies): Status['disk'] {
  try {
    const { freeBytes, totalBytes } = machine.disk();
    return { free_bytes: freeBytes, total_bytes: totalBytes, reserve_file_bytes: storage.reserveFileBytes() };
  } catch {
    // the part `disk` in `parts` explains why the value is null
    return null;
  }
}

function damageOf({ storage }: ServerDependencies): Status['damage'] {
  const all = storage.damage();
  return { count: all.length, files: all.slice(0, SHOWN_DAMAGE) };
}

async function errorsOf({ store }: ServerDependencies, errors: LastErrors): Promise<Status['last_errors']> {
  const none = { campaign_id: null, expansion_id: null, route: null };
  const ofExpansions = (await store.health.lastFailures(KEPT_ERRORS)).map(({ campaignId, expansionId, code, at }) => ({
    ...{ at, code },
    ids: { campaign_id: campaignId, expansion_id: expansionId },
  }));
  const ofRequests = errors.list().map(({ code, route, at }) => ({ at, code, ids: { route } }));
  return [...ofExpansions, ...ofRequests]
    .sort((a, b) => b.at - a.at)
    .slice(0, KEPT_ERRORS)
    .map(({ at, code, ids }) => ({ ...none, ...ids, code, at }));
}

/** Maximum number of errors that are kept. */
const KEPT_ERRORS = 20;

export interface RequestError {
  readonly code: ErrorCode;
  /** Pattern of the route, without ids. */
  readonly route: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export class LastErrors {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #kept: RequestError[] = [];

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Records the response if it is a service error. Refusals while the service starts or stops do not count. */
  note({ code, route, status }: Answered): void {
    if (status < 500 || code === null || code === 'unavailable') return;
    this.#kept.push({ code, route, at: this.#clock.now() });
    if (this.#kept.length > KEPT_ERRORS) this.#kept.shift();
  }

  /** Returns the recorded errors, newest first. */
  list(): readonly RequestError[] {
    return this.#kept.toReversed();
  }
}
