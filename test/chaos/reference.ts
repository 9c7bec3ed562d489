/** The audiences of undisturbed services: one for each combination of inputs in the disturbed run. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEnd } from '../../src/domain/states.ts';
import { digestOf } from '../fixture/digest.ts';
import { type Member, type Request, serveAlone } from './member.ts';
import { type Inputs, keyOf } from './sighting.ts';
import { storedVersions } from './stored.ts';
import { type ChaosModel, seedsOf, type World } from './world.ts';

export interface Undisturbed {
  /** The digest of the ranking's files. */
  readonly digest: string;
  /** All candidates as NDJSON, by rank. */
  readonly lines: readonly string[];
}

const QUEUED = 50;
const EXPAND_MS = 120_000;

/** By `keyOf`. The `erased` victims are erased at the end, as in the run: served audiences leave them out. */
export async function undisturbed(
  world: World,
  folder: string,
  wanted: readonly Inputs[],
  erased: number,
): Promise<ReadonlyMap<string, Undisturbed>> {
  const found = await Promise.all(
    world.models.map((model) => {
      const own = wanted.filter(({ modelVersion }) => modelVersion === model.version);
      return own.length === 0 ? [] : ofModel(world, model, join(folder, `calm-${model.version}`), own, erased);
    }),
  );
  return new Map(found.flatMap((one) => [...one]));
}

async function ofModel(
  world: World,
  model: ChaosModel,
  folder: string,
  wanted: readonly Inputs[],
  erased: number,
): Promise<Map<string, Undisturbed>> {
  const [population, dataDir] = [join(folder, 'population'), join(folder, 'data')];
  mkdirSync(dataDir, { recursive: true });
  cpSync(world.pristine, population, { recursive: true });
  const program = await serveAlone({ dataDir, model: model.folder, population, threads: 2 });
  try {
    const ids = new Map<string, string>();
    for (let done = 0; done <= erased; done++) {
      for (const version of world.versions) {
        const own = wanted.filter((inputs) => inputs.erased === done && inputs.populationVersion === version);
        if (own.length === 0) continue;
        await must(program, 'POST', `/v1/populations/${version}/activate`);
        for (let i = 0; i < own.length; i += QUEUED) await expand(program, world, own.slice(i, i + QUEUED), ids);
      }
      if (done < erased) await must(program, 'DELETE', `/v1/users/${world.victims[done]}`);
    }
    // the first version does not have all ranked users
    await must(program, 'POST', `/v1/populations/${world.versions.at(-1)!}/activate`);
    return await readAll(program, dataDir, ids);
  } finally {
    program.end();
  }
}

async function expand(program: Member, world: World, all: readonly Inputs[], ids: Map<string, string>): Promise<void> {
  const queued: string[] = [];
  for (const inputs of all) {
    const campaign = world.campaigns[inputs.campaign]!;
    const body = {
      name: 'undisturbed',
      features: campaign.features,
      audience: { percent: 100 },
      seeds: seedsOf(campaign, inputs.variant),
    };
    const { json } = await must(program, 'POST', '/v1/campaigns', body);
    ids.set(keyOf(inputs), json.id);
    queued.push(json.id);
  }
  const end = performance.now() + EXPAND_MS;
  for (const id of queued)
    for (;;) {
      const { state } = (await must(program, 'GET', `/v1/campaigns/${id}`)).json;
      if (state === 'ready') break;
      if (isEnd(state) || performance.now() > end) throw new Error(`undisturbed, a campaign is ${state}`);
      await sleep(20);
    }
}

async function readAll(
  program: Member,
  dataDir: string,
  ids: ReadonlyMap<string, string>,
): Promise<Map<string, Undisturbed>> {
  const folders = new Map(storedVersions(dataDir).map(({ id, folder }) => [id, folder]));
  const found = new Map<string, Undisturbed>();
  for (const [key, id] of ids) {
    const { text } = await must(program, 'GET', `/v1/campaigns/${id}/audience`, undefined, {
      accept: 'application/x-ndjson',
    });
    found.set(key, { digest: digestOf(join(dataDir, folders.get(id)!)), lines: text.split('\n').filter(Boolean) });
  }
  return found;
}

async function must(program: Member, ...args: Request) {
  const answer = await program.call(...args);
  if (answer.status >= 300)
    throw new Error(`undisturbed, ${args[0]} ${args[1]}: ${answer.status} ${answer.text}\n${program.log.slice(-4000)}`);
  return answer;
}
