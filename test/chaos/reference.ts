/** The audiences of an undisturbed service: one for each of the inputs that occurred in the disturbed run. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEnd } from '../../src/campaigns/states.ts';
import { Sqlite } from '../../src/sqlite/driver.ts';
import { digestOf } from '../fixture/digest.ts';
import { Program } from './program.ts';
import { type ChaosWorld, seedsOf } from './world.ts';

/** All that an audience depends on, here. */
export interface Inputs {
  readonly campaign: number;
  readonly variant: number;
  readonly populationVersion: string;
  /** How many of the victims were erased when it was made. */
  readonly erased: number;
}

export interface Undisturbed {
  /** Of the ranking's files. */
  readonly digest: string;
  /** All candidates as NDJSON, by rank. */
  readonly lines: readonly string[];
}

const QUEUED = 50;
const EXPAND_MS = 120_000;

export function keyOf({ campaign, variant, populationVersion, erased }: Inputs): string {
  return `${campaign}/${variant}/${populationVersion}/${erased}`;
}

/** `erased` victims are erased in the end, as they are in the run: served audiences leave them out. */
export async function undisturbed(
  world: ChaosWorld,
  folder: string,
  wanted: readonly Inputs[],
  erased: number,
): Promise<ReadonlyMap<string, Undisturbed>> {
  const [population, dataDir] = [join(folder, 'calm-population'), join(folder, 'calm-data')];
  cpSync(world.pristine, population, { recursive: true });
  mkdirSync(dataDir);
  const program = await Program.start({ dataDir, model: world.model, population, threads: 2 });
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
    return await readAll(program, dataDir, ids);
  } finally {
    program.killAll();
  }
}

async function expand(
  program: Program,
  world: ChaosWorld,
  all: readonly Inputs[],
  ids: Map<string, string>,
): Promise<void> {
  const queued: string[] = [];
  for (const inputs of all) {
    const campaign = world.campaigns[inputs.campaign]!;
    const body = {
      ...{ name: 'undisturbed', features: campaign.features, audience: { percent: 100 } },
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
  program: Program,
  dataDir: string,
  ids: ReadonlyMap<string, string>,
): Promise<Map<string, Undisturbed>> {
  const database = new Sqlite(join(dataDir, 'metaheac.db'), { readonly: true });
  try {
    const find = database.prepare(
      'SELECT a.folder FROM audiences a JOIN campaigns c ON c.number = a.campaign WHERE c.id = ?',
    );
    const found = new Map<string, Undisturbed>();
    for (const [key, id] of ids) {
      const { folder } = find.get(id) as { folder: string };
      const { text } = await must(program, 'GET', `/v1/campaigns/${id}/audience`, undefined, {
        accept: 'application/x-ndjson',
      });
      found.set(key, { digest: digestOf(join(dataDir, folder)), lines: text.split('\n').filter(Boolean) });
    }
    return found;
  } finally {
    database.close();
  }
}

async function must(program: Program, ...args: Parameters<Program['call']>) {
  const answer = await program.call(...args);
  if (answer.status >= 300) throw new Error(`undisturbed, ${args[0]} ${args[1]}: ${answer.status} ${answer.text}`);
  return answer;
}
