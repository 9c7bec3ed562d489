/**
 * Records the changes that routes make. An entry is written in the transaction of the change if there is one, otherwise
 * before the response is sent.
 */
import type { FastifyRequest, RouteOptions } from 'fastify';
import type { AuditFacts, PendingAction } from '../../domain/audit.ts';
import { ACTORS } from '../../domain/audit.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { clientAddress } from '../plugins/access/rate-limit.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';

/** The parts of an audit entry that are the same for all requests to a route. */
interface Audited {
  readonly action: string;
  readonly resource: string;
  /** The path parameter that names the resource; null if there is none, or if it names a user. */
  readonly parameter: string | null;
  readonly status: number;
  /** Whether the route deletes something, which frees disk space. */
  readonly frees: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The entry to write; null if the request is not recorded. */
    pendingAction: PendingAction | null;
  }
}

/**
 * Records every change made by routes that are registered later. Requests that are refused or change nothing
 * (repetitions with an idempotency key, dry runs) are not recorded.
 */
export function recordChanges(app: ServerApp, dependencies: ServerDependencies): void {
  app.decorateRequest('pendingAction', null);
  app.addHook('onRoute', (route) => {
    const audited = auditedOf(route);
    if (audited === null) return;
    // the last `preHandler` hook calls the handler, so the handler can write the audit entry in its own transaction
    route.preHandler = [
      ...[route.preHandler ?? []].flat(),
      (request, _reply, done) => {
        if ((request.query as { readonly dry_run?: boolean }).dry_run === true) return done();
        request.pendingAction = pendingOf(request, audited);
        dependencies.store.audit.during(request.pendingAction, () => done());
      },
    ];
    route.onSend = [
      ...[route.onSend ?? []].flat(),
      async (request, reply, payload) => {
        const { pendingAction: pending } = request;
        const isDone = reply.statusCode < 400 && !reply.hasHeader('idempotent-replayed');
        if (pending !== null && isDone) await dependencies.store.audit.record(pending);
        return payload;
      },
    ];
  });
}

function auditedOf({ method, url, schema }: RouteOptions): Audited | null {
  const { scope } = schema?.facts ?? {};
  if (scope !== 'write' && scope !== 'admin') return null;
  if (method === 'GET' || method === 'HEAD') return null;
  const [, , collection = '', parameter = ''] = url.split('/');
  const resource = collection.replace(/s$/, '');
  const isNamed = parameter.startsWith(':') && resource !== 'user';
  return {
    action: String((schema as { readonly operationId?: string }).operationId),
    resource,
    parameter: isNamed ? parameter.slice(1) : null,
    status: Math.min(...Object.keys(schema?.response as object).map(Number)),
    frees: method === 'DELETE',
  };
}

function pendingOf(request: FastifyRequest, { action, resource, parameter, status, frees }: Audited): PendingAction {
  const params = request.params as Readonly<Record<string, string>>;
  return {
    action: {
      actor: request.caller?.actor ?? ACTORS.anybody,
      address: clientAddress(request) ?? null,
      action,
      resource,
      resourceId: parameter === null ? null : (params[parameter] ?? null),
      status,
      requestId: request.id,
      facts: factsOf(request),
    },
    frees,
    isRecorded: false,
  };
}

/** The consent basis that the request gives a list. */
function factsOf({ query, body }: FastifyRequest): AuditFacts | null {
  const { consent_basis: ofList } = query as { readonly consent_basis?: string };
  const { seeds_consent_basis: ofSeeds } = (body ?? {}) as { readonly seeds_consent_basis?: string };
  const basis = ofList ?? ofSeeds;
  return basis === undefined ? null : { consent_basis: basis };
}
