/** Access control: checks that a request's key has the scope that the route declares. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import {
  type ApiKey,
  apiKeyIdOf,
  includesLabels,
  includesScope,
  type Scope,
  type StoredApiKey,
} from '../../../domain/api-keys.ts';
import { ACTORS } from '../../../domain/audit.ts';
import { campaignNotFound } from '../../../domain/not-found.ts';
import type { Labels } from '../../../domain/types.ts';
import { andThen } from '../../../lib/at-once.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ServerDependencies } from '../../dependencies.ts';
import type { ServerApp } from '../fastify-types.ts';
import { isApi } from '../route.ts';
import type { RateLimiter } from './rate-limit.ts';

/** The caller. */
export interface Caller {
  /** The caller's name in the audit log. */
  readonly actor: string;
  readonly scope: Scope;
  /** The caller sees only campaigns with all of these labels. null means all campaigns. */
  readonly labels: Labels | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller; null if the route needs no key. */
    caller: Caller | null;
  }
}

/** The caller if no key is required. */
const ANYBODY: Caller = { actor: ACTORS.anybody, scope: 'admin', labels: null };
const OPERATOR: Caller = { actor: ACTORS.operator, scope: 'admin', labels: null };
const SCRAPER: Caller = { actor: 'metrics', scope: 'read', labels: null };

export class Access {
  readonly #needs: ServerDependencies;
  readonly #isOperator: (hash: Buffer) => boolean;
  readonly #isScraper: (hash: Buffer) => boolean;

  constructor(needs: ServerDependencies) {
    this.#needs = needs;
    this.#isOperator = secretCheck(needs.config.apiKey);
    this.#isScraper = secretCheck(needs.config.metricsKey);
  }

  /**
   * Returns the caller if the request's key allows calls to routes of this scope, at once if the keys are in memory. If
   * METAHEAC_API_KEY is not set and the store has no keys, every call is allowed.
   * @throws AppError unauthorized, forbidden (facts: required_scope)
   */
  admit(authorization: string | undefined, scope: Scope): Caller | Promise<Caller> {
    const { config, store } = this.#needs;
    return andThen(config.apiKey !== null || store.apiKeys.exist(), (needsKey) =>
      needsKey ? andThen(this.#identify(authorization), (caller) => requireScope(caller, scope)) : ANYBODY,
    );
  }

  /**
   * Checks access to metrics, documents and the details of readiness, which are public on a loopback address unless a
   * metrics key is set.
   * @throws AppError unauthorized
   */
  async admitToMetrics(authorization: string | undefined): Promise<Caller> {
    const { metricsKey, isPublic } = this.#needs.config;
    if (metricsKey === null && !isPublic) return ANYBODY;
    const token = bearerOf(authorization);
    if (token !== undefined && this.#isScraper(digest(token))) return SCRAPER;
    return await this.#identify(authorization);
  }

  async seesMetrics(authorization: string | undefined): Promise<boolean> {
    try {
      await this.admitToMetrics(authorization);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === 'unauthorized') return false;
      throw error;
    }
  }

  /** @throws AppError campaign_not_found if the caller may not see the campaign */
  async checkCampaign({ labels }: Caller, id: string): Promise<void> {
    if (labels === null) return;
    const own = await this.#needs.store.findLabels(id);
    if (own === null || !includesLabels(own, labels)) throw campaignNotFound(id);
  }

  /**
   * Records that a key has expired, so that the key stays refused if the clock is set back. If the disk is full, the
   * expiry is recorded at a later request.
   */
  async #recordExpired(now: number, id: string): Promise<void> {
    try {
      await this.#needs.store.apiKeys.recordExpired(now, id);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  #identify(authorization: string | undefined): Caller | Promise<Caller> {
    const token = bearerOf(authorization);
    if (token === undefined) throw unauthorized('send an API key as Authorization: Bearer <key>');
    const hash = digest(token);
    if (this.#isOperator(hash)) return OPERATOR;
    const id = apiKeyIdOf(token);
    const found = id === null ? null : this.#needs.store.apiKeys.find(id);
    return andThen(found, (stored) => this.#check(stored, hash));
  }

  #check(stored: StoredApiKey | null, hash: Buffer): Caller | Promise<Caller> {
    const { clock } = this.#needs;
    // the id is not secret, so only the rest of the key is compared in constant time
    if (stored === null || !timingSafeEqual(hash, Buffer.from(stored.sha256, 'hex')))
      throw unauthorized('the API key is not known');
    if (stored.revokedAt !== null) throw unauthorized(`the key ${stored.id} was revoked`);
    if (stored.expiredAt !== null) throw unauthorized(`the key ${stored.id} has expired`);
    if (stored.expiresAt === null || stored.expiresAt > clock.now()) return callerOf(stored);
    return this.#recordExpired(clock.now(), stored.id).then(() => {
      throw unauthorized(`the key ${stored.id} has expired`);
    });
  }
}

function callerOf({ id, scope, labels }: ApiKey): Caller {
  return { actor: id, scope, labels: Object.keys(labels).length === 0 ? null : labels };
}

function requireScope(caller: Caller, scope: Scope): Caller {
  if (includesScope(caller.scope, scope)) return caller;
  throw new AppError('forbidden', `this route needs a key with scope ${scope}, but the key has scope ${caller.scope}`, {
    facts: { required_scope: scope },
  });
}

function unauthorized(message: string): AppError {
  return new AppError('unauthorized', message);
}

/**
 * Compares the request's key with the scope that a route declares, for every route that is registered later. Each route
 * has its own hook, because reading the route's options at each request would slow look-ups down.
 */
export function guardRoutes(app: ServerApp, access: Access, rates: RateLimiter): void {
  app.decorateRequest('caller', null);
  app.addHook('onRoute', (route) => {
    const facts = route.schema?.facts;
    const { url } = route;
    // only the routes of the API documentation (the page, its files and the OpenAPI document) have no `describeRoute`
    // schema
    const scope = facts?.scope ?? 'metrics';
    if (scope === 'none') return;
    // path parameters that are campaign ids
    const campaigns = /^\/v1\/campaigns\/:id(\/|$)/.test(url) ? (url.match(/(?<=:)(id|other_id)(?=\/|$)/g) ?? []) : [];
    const heedsLabels = facts?.heedsLabels === true;
    const guards = [route.onRequest ?? []].flat();
    const check = async (caller: Caller, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      if (caller !== ANYBODY && rates.countKey !== null) await rates.countKey(request, reply);
      if (caller.labels === null || scope === 'metrics') return;
      for (const name of campaigns)
        await access.checkCampaign(caller, (request.params as Readonly<Record<string, string>>)[name]!);
      if (campaigns.length === 0 && !heedsLabels)
        throw new AppError('forbidden', 'a key with labels may not call this route');
    };
    const guard: onRequestHookHandler = (request, reply, done) => {
      const { authorization } = request.raw.headers;
      const admitted = scope === 'metrics' ? access.admitToMetrics(authorization) : access.admit(authorization, scope);
      const checked = andThen(admitted, (caller) => {
        request.caller = caller;
        return caller.labels === null && rates.countKey === null ? undefined : check(caller, request, reply);
      });
      if (checked === undefined) done();
      else checked.then(() => done(), done);
    };
    route.onRequest = [guard, ...guards];
  });
}

/**
 * Whether an unknown path belongs to the API. If it does, only callers with a key may learn that there is no such
 * route.
 */
export function isUnknownApi({ is404, method, url }: Pick<FastifyRequest, 'is404' | 'method' | 'url'>): boolean {
  // the route for OPTIONS, if it exists, matches all paths
  return (is404 || method === 'OPTIONS') && (isApi(url) || url === '/v1');
}

/** @throws AppError forbidden if the caller would no longer see a campaign with these labels */
export function requireLabels(caller: Caller | null, labels: Labels): void {
  const needed = caller?.labels ?? null;
  if (needed === null || includesLabels(labels, needed)) return;
  const list = Object.entries(needed).map(([key, text]) => `${key}=${text}`);
  throw new AppError('forbidden', `with this key, a campaign must have the labels ${list.join(', ')}`);
}

/** The token of `Authorization: Bearer <token>`. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S.*)$/i.exec(authorization ?? '')?.[1];
}

/** Compares two digests in constant time. Returns false if there is no secret. */
export function secretCheck(secret: string | null): (given: Buffer) => boolean {
  if (secret === null) return () => false;
  const expected = digest(secret);
  return (given) => timingSafeEqual(given, expected);
}

/**
 * SHA-256 digest of a text. `timingSafeEqual` needs inputs of equal length, and digests hide the length of the key.
 * `hash` takes 0.65 us per request with a key; a `createHash` object would take 2.5 us.
 */
export function digest(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex'), 'hex');
}
