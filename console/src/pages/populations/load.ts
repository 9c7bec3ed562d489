/** Versions of the population, the one that is looked at, and what changed between two of them. */
import { type Api, call } from '../../api/client.ts';
import type { PopulationChanges, PopulationDetail, PopulationVersion } from '../../api/types.ts';

export interface Looked {
  readonly detail: PopulationDetail;
  /** Null for the oldest version, which follows none. */
  readonly changes: PopulationChanges | null;
}

export async function loadVersions(api: Api, signal: AbortSignal): Promise<readonly PopulationVersion[]> {
  return (await call(api.GET('/v1/populations', { signal }))).items;
}

export async function loadVersion(api: Api, version: string, since: string | null, signal: AbortSignal) {
  const path = { version };
  const [detail, changes] = await Promise.all([
    call(api.GET('/v1/populations/{version}', { params: { path }, signal })),
    since === null
      ? null
      : call(api.GET('/v1/populations/{version}/changes', { params: { path, query: { since } }, signal })),
  ]);
  return { detail, changes } satisfies Looked;
}
