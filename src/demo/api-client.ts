/** A client for the HTTP API calls that the demo makes. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';

const campaignSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  progress: z.number(),
  reason: z.looseObject({ message: z.string() }).nullable(),
  seeds: z.looseObject({ known: z.number() }),
  model_version: z.string().nullable(),
  size: z.number().nullable(),
  candidates: z.number().nullable(),
  timings: z.record(z.string(), z.number()),
  quality: z
    .looseObject({
      held_out: z.looseObject({ auc: z.number(), held_out_seeds: z.number() }).nullable(),
      prediction: z
        .looseObject({
          verdict: z.string(),
          reason: z.string(),
          lift: z.record(z.string(), z.object({ mean: z.number(), low: z.number(), high: z.number() })),
        })
        .nullable(),
    })
    .nullable(),
});
const readinessSchema = z.looseObject({
  parts: z.array(z.looseObject({ name: z.string(), detail: z.string() })),
  model_version: z.string(),
});
const memberSchema = z.looseObject({ rank: z.number(), user_id: z.string(), score: z.number() });

export type CampaignAnswer = z.infer<typeof campaignSchema>;
export type ReadinessAnswer = z.infer<typeof readinessSchema>;
export type AudienceMember = z.infer<typeof memberSchema>;

const POLL_MS = 100;
/** Time limit for the expansion of the demo's campaign, which normally takes seconds. */
const EXPANSION_LIMIT_MS = 15 * 60_000;

export class ApiClient {
  readonly url: string;
  readonly #clock: Clock;

  constructor(url: string, clock: Clock) {
    this.url = url;
    this.#clock = clock;
  }

  async readiness(): Promise<ReadinessAnswer> {
    return readinessSchema.parse(await (await this.#call('GET', '/readyz')).json());
  }

  /** Creates a campaign with POST. */
  async createCampaign(body: object): Promise<CampaignAnswer> {
    return campaignSchema.parse(await (await this.#call('POST', '/v1/campaigns', body)).json());
  }

  /**
   * Polls the campaign until it is ready. Throws AppError `unavailable` if the campaign ends in another state or the
   * expansion takes too long.
   */
  async waitUntilReady(id: string, onProgress: (campaign: CampaignAnswer) => void): Promise<CampaignAnswer> {
    const start = this.#clock.elapsed();
    for (;;) {
      const answer = await this.#call('GET', `/v1/campaigns/${encodeURIComponent(id)}`);
      const campaign = campaignSchema.parse(await answer.json());
      onProgress(campaign);
      if (campaign.state === 'ready') return campaign;
      if (!['queued', 'adapting', 'scoring'].includes(campaign.state))
        throw new AppError('unavailable', `the campaign ended as ${campaign.state}: ${campaign.reason?.message ?? ''}`);
      if (this.#clock.elapsed() - start > EXPANSION_LIMIT_MS)
        throw new AppError('unavailable', `the campaign is still ${campaign.state} after ${EXPANSION_LIMIT_MS} ms`);
      await delay(POLL_MS);
    }
  }

  /** Streams all members of the audience as NDJSON, best first. The checksum is that of these bytes. */
  async readAudience(id: string): Promise<{ members: AudienceMember[]; sha256: string }> {
    const path = `/v1/campaigns/${encodeURIComponent(id)}/audience`;
    const text = await (await this.#call('GET', path, undefined, 'application/x-ndjson')).text();
    const lines = text.split('\n').filter((line) => line !== '');
    return {
      members: lines.map((line) => memberSchema.parse(JSON.parse(line))),
      sha256: createHash('sha256').update(text).digest('hex'),
    };
  }

  async #call(method: string, path: string, body?: object, accept = 'application/json'): Promise<Response> {
    const response = await fetch(this.url + path, {
      method,
      headers: { accept, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (response.ok) return response;
    throw new AppError('unavailable', `${method} ${path} returned ${response.status}: ${await response.text()}`);
  }
}
