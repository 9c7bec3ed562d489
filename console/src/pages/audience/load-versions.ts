/** Loads an audience's versions. */
import { type Api, call } from '../../api/client.ts';
import type { AudienceVersion } from '../../api/types.ts';

const NEWEST = 50;

/** An audience version, with facts about the expansion that ranked it. */
export interface Version extends AudienceVersion {
  /** The model of the ranking; null if the expansion is no longer kept. */
  readonly model: string | null;
  /** Seconds that the ranking took, without waiting in the queue. */
  readonly seconds: number | null;
}

/** The latest versions, newest first. */
export async function loadVersions(api: Api, id: string, signal: AbortSignal): Promise<readonly Version[]> {
  const params = { path: { id }, query: { limit: NEWEST } };
  const [versions, expansions] = await Promise.all([
    call(api.GET('/v1/campaigns/{id}/audiences', { params, signal })),
    call(api.GET('/v1/campaigns/{id}/expansions', { params, signal })),
  ]);
  const byId = new Map(expansions.items.map((expansion) => [expansion.id, expansion]));
  return versions.items.map((version) => {
    const expansion = byId.get(version.expansion_id);
    return { ...version, model: expansion?.model_version ?? null, seconds: secondsOf(expansion?.timings) };
  });
}

function secondsOf(timings: Readonly<Record<string, number>> | undefined): number | null {
  const stages = Object.entries(timings ?? {}).filter(([stage]) => stage !== 'queued');
  return stages.length === 0 ? null : stages.reduce((sum, [, seconds]) => sum + seconds, 0);
}

export interface Change {
  readonly added: number;
  readonly removed: number;
}

interface Compared {
  readonly id: string;
  readonly active: number | null;
  readonly others: readonly number[];
}

/**
 * Returns the differences of each version from the active version. Comparisons are requested one after another, because
 * the service runs only a few at the same time.
 */
export async function loadChanges(
  api: Api,
  { id, active, others }: Compared,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Change>> {
  const changes = new Map<number, Change>();
  if (active === null) return changes;
  for (const to of others) {
    const params = { path: { id, from: active, to } };
    changes.set(to, await call(api.GET('/v1/campaigns/{id}/audiences/{from}/diff/{to}', { params, signal })));
  }
  return changes;
}
