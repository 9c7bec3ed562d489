/** An audience version as served, and the inputs that it was made from. */
import type { Callable } from './member.ts';
import { variantOf, type World } from './world.ts';

/** Everything that an audience depends on in these runs. */
export interface Inputs {
  readonly campaign: number;
  readonly variant: number;
  readonly modelVersion: string;
  readonly populationVersion: string;
  /** How many of the victims had been erased when it was made. */
  readonly erased: number;
}

export function keyOf({ campaign, variant, modelVersion, populationVersion, erased }: Inputs): string {
  return [campaign, variant, modelVersion, populationVersion, erased].join('/');
}

/** A version that was served. */
export interface Sighting extends Inputs {
  /** The campaign's key and the version. */
  readonly name: string;
  readonly version: number;
  readonly expansion: string;
  readonly size: number;
  /** When it was made, in ms since 1970. */
  readonly made: { readonly from: number; readonly to: number };
  /** Its members as NDJSON. */
  readonly lines: readonly string[];
}

/** The campaign that is read, and by whom. */
export interface Looked {
  readonly id: string;
  readonly key: string;
  /** The index of the campaign in the world. */
  readonly campaign: number;
}

/** The response, or the status of the refusal; 0 if the connection broke, which a damaged stream also causes. */
export type Look =
  | { readonly sighting: Sighting }
  | { readonly sighting: null; readonly status: number; readonly text: string };

/** Reads all of an audience version once (null: the active one). */
export async function lookAt(
  { program, world }: { readonly program: Callable; readonly world: World },
  { id, key, campaign }: Looked,
  version: number | null,
): Promise<Look> {
  const path = `/v1/campaigns/${id}`;
  const read = `${path}/${version === null ? 'audience' : `audiences/${version}`}`;
  try {
    const answer = await program.call('GET', read, undefined, { accept: 'application/x-ndjson' });
    if (answer.status !== 200) return { sighting: null, status: answer.status, text: answer.text };
    const seen = Number(answer.headers.get('x-audience-version'));
    const facts = await factsOf(program, path, seen);
    if (typeof facts === 'number') return { sighting: null, status: facts, text: '' };
    const { expansion, size } = facts;
    return {
      sighting: {
        name: `${key}, version ${seen}`,
        version: seen,
        expansion: expansion.id,
        size,
        campaign,
        variant: variantOf(world.campaigns[campaign]!, expansion.seeds.known + expansion.seeds.unknown),
        modelVersion: expansion.model_version,
        populationVersion: expansion.population_version,
        erased: expansion.excluded.suppressed,
        made: { from: Date.parse(expansion.created_at), to: Date.parse(expansion.updated_at) },
        lines: answer.text.split('\n').filter(Boolean),
      },
    };
  } catch {
    return { sighting: null, status: 0, text: '' };
  }
}

/** Neither changes once a version exists. */
async function factsOf(program: Callable, path: string, version: number) {
  const versions = await program.call('GET', `${path}/audiences?limit=200`);
  if (versions.status !== 200) return versions.status;
  const found = versions.json.items.find((one: { version: number }) => one.version === version);
  const expansion = await program.call('GET', `${path}/expansions/${found.expansion_id}`);
  return expansion.status === 200 ? { expansion: expansion.json, size: found.size as number } : expansion.status;
}
