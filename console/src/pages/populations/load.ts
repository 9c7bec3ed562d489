/** Loads the versions of the population, the selected version, and the changes between two versions. */
import { type Api, call } from '../../api/client.ts';
import type { PopulationChanges, PopulationDetail, PopulationVersion } from '../../api/types.ts';

export interface Looked {
  readonly detail: PopulationDetail;
  /** Changes from the previous version; null for the oldest version. */
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
