/** Loads the versions of the model, and details of the version in use. */
import { type Api, call } from '../../api/client.ts';
import type { CurrentModel, ModelVersion } from '../../api/types.ts';

export interface Models {
  readonly versions: readonly ModelVersion[];
  readonly current: CurrentModel;
}

export async function loadModels(api: Api, signal: AbortSignal): Promise<Models> {
  const [{ items: versions }, current] = await Promise.all([
    call(api.GET('/v1/models', { signal })),
    call(api.GET('/v1/models/current', { signal })),
  ]);
  return { versions, current };
}

/** Names of audiences by id. A deleted audience has no name. */
export async function loadNames(api: Api, ids: readonly string[], signal: AbortSignal) {
  const named = ids.map(async (id): Promise<[string, string] | null> => {
    try {
      const { name } = await call(api.GET('/v1/campaigns/{id}', { params: { path: { id } }, signal }));
      return [id, name];
    } catch {
      return null;
    }
  });
  return new Map((await Promise.all(named)).filter((pair) => pair !== null));
}
