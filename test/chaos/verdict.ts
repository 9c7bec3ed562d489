/** Whether a service holds what it acknowledged, once, and nothing else. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isEnd } from '../../src/campaigns/states.ts';
import { Sqlite } from '../../src/sqlite/driver.ts';
import { digestOf } from '../fixture/digest.ts';
import type { Entry } from './client.ts';
import type { Program } from './program.ts';
import { type Inputs, keyOf, type Undisturbed } from './reference.ts';
import { type ChaosWorld, seedsOf } from './world.ts';

/** Faults, a line each. */
export interface Verdict {
  readonly lost: string[];
  readonly doubled: string[];
  /** Audiences and rankings that differ from the undisturbed ones. */
  readonly different: string[];
  readonly leftOver: string[];
  audiencesCompared: number;
}

/** A version that is served, and what it was made of. */
export interface Made extends Inputs {
  readonly entry: Entry;
  readonly expansion: string;
  readonly version: number;
  readonly size: number;
  readonly digest: string;
  readonly lines: readonly string[];
}

export function emptyVerdict(): Verdict {
  return { lost: [], doubled: [], different: [], leftOver: [], audiencesCompared: 0 };
}

/** Compares the service with the ledgers, and returns every audience version that it serves. */
export async function checkLedgers(
  { program, dataDir }: { readonly program: Program; readonly dataDir: string },
  world: ChaosWorld,
  entries: readonly Entry[],
  verdict: Verdict,
): Promise<Made[]> {
  const served = await allCampaigns(program);
  const names = new Map<string, number>();
  for (const { name } of served) names.set(name, (names.get(name) ?? 0) + 1);
  for (const [name, count] of names) if (count > 1) verdict.doubled.push(`${count} campaigns are named ${name}`);
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  for (const { id, name } of served)
    if (!known.has(id)) verdict.doubled.push(`${name}: nobody has a campaign ${id}`);
    else if (known.get(id)!.isDeleted) verdict.lost.push(`${name}: it was deleted, and is there`);
  const ids = new Set(served.map(({ id }) => id));
  const made: Made[] = [];
  for (const entry of entries.filter(({ isDeleted }) => !isDeleted))
    if (!ids.has(entry.id)) verdict.lost.push(`${entry.key}: the campaign is gone`);
    else made.push(...(await checkCampaign(program, dataDir, world, entry, verdict)));
  return made;
}

async function allCampaigns(program: Program): Promise<{ id: string; name: string }[]> {
  const found: { id: string; name: string }[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { json } = await program.call('GET', `/v1/campaigns?limit=200${cursor ? `&cursor=${cursor}` : ''}`);
    found.push(...json.items);
    cursor = json.next_cursor;
  }
  return found;
}

async function checkCampaign(
  program: Program,
  dataDir: string,
  world: ChaosWorld,
  entry: Entry,
  verdict: Verdict,
): Promise<Made[]> {
  const path = `/v1/campaigns/${entry.id}`;
  const get = async (rest: string) => (await program.call('GET', `${path}${rest}`)).json;
  const lose = (what: string) => verdict.lost.push(`${entry.key} (${entry.id}): ${what}`);
  const [campaign, seeds] = [await get(''), await get('/seeds')];
  const expected = seedsOf(world.campaigns[entry.campaign]!, entry.variant).length;
  if (seeds.users !== expected) lose(`${seeds.users} seeds, ${expected} were uploaded`);
  if (campaign.audience?.size !== entry.size) lose(`the size is ${campaign.audience?.size}, not ${entry.size}`);
  if (entry.active !== null && campaign.active_version !== entry.active)
    lose(`version ${campaign.active_version} is active, not ${entry.active}`);
  const { items: expansions } = await get('/expansions?limit=200');
  checkExpansions(expansions, entry, verdict);
  const { items: versions } = await get('/audiences?limit=200');
  const ready = expansions.filter(({ state }: { state: string }) => state === 'ready').length;
  if (versions.length > ready + entry.resizes)
    verdict.doubled.push(`${entry.key}: ${versions.length} versions of ${ready} expansions, ${entry.resizes} resizes`);
  const byId = new Map<string, Expansion>(expansions.map((one: Expansion) => [one.id, one]));
  const folders = foldersOf(dataDir, entry.id);
  const made: Made[] = [];
  for (const { version, size, expansion_id, population_version } of versions) {
    const expansion = byId.get(expansion_id);
    const answer = await program.call('GET', `${path}/audiences/${version}`, undefined, {
      accept: 'application/x-ndjson',
    });
    if (expansion === undefined || answer.status !== 200) {
      lose(`version ${version} is answered with ${answer.status}`);
      continue;
    }
    made.push({
      ...{ entry, version, size, expansion: expansion.id, populationVersion: population_version },
      ...{ campaign: entry.campaign, variant: entry.expansions.get(expansion.id) ?? -1 },
      erased: expansion.excluded?.suppressed ?? 0,
      digest: digestOf(join(dataDir, folders.get(version)!)),
      lines: answer.text.split('\n').filter(Boolean),
    });
  }
  return made;
}

interface Expansion {
  readonly id: string;
  readonly state: string;
  readonly excluded: { readonly suppressed: number } | null;
  readonly audience_version: number | null;
  readonly reason: object | null;
}

function checkExpansions(expansions: readonly Expansion[], entry: Entry, verdict: Verdict): void {
  const found = new Map(expansions.map((one) => [one.id, one]));
  for (const id of found.keys())
    if (!entry.expansions.has(id)) verdict.doubled.push(`${entry.key}: nobody asked for the expansion ${id}`);
  const last = [...entry.expansions.keys()].at(-1);
  for (const id of entry.expansions.keys()) {
    const one = found.get(id);
    const what =
      one === undefined
        ? 'is gone'
        : entry.cancelled.has(id) !== (one.state === 'cancelled')
          ? `was ${entry.cancelled.has(id) ? '' : 'not '}cancelled, and is ${one.state}`
          : one.state === 'failed' || one.state === 'too_small' || !isEnd(one.state as never)
            ? `is ${one.state}: ${JSON.stringify(one.reason)}`
            : id === last && one.state === 'superseded'
              ? 'is superseded, though none came after'
              : one.state === 'ready' && one.audience_version === null
                ? 'is ready without an audience'
                : null;
    if (what !== null) verdict.lost.push(`${entry.key}: the expansion ${id} ${what}`);
  }
}

/** Where each version of a campaign has its ranking. */
function foldersOf(dataDir: string, id: string): Map<number, string> {
  return withDatabase(dataDir, (database) => {
    const rows = database
      .prepare('SELECT version, folder FROM audiences a JOIN campaigns c ON c.number = a.campaign WHERE c.id = ?')
      .all(id) as { version: number; folder: string }[];
    return new Map(rows.map(({ version, folder }) => [version, folder]));
  });
}

function withDatabase<T>(dataDir: string, use: (database: InstanceType<typeof Sqlite>) => T): T {
  const database = new Sqlite(join(dataDir, 'metaheac.db'), { readonly: true });
  try {
    return use(database);
  } finally {
    database.close();
  }
}

/** Byte for byte: the ranking's files, and the rows that are served. */
export function compareAudiences(
  made: readonly Made[],
  reference: ReadonlyMap<string, Undisturbed>,
  verdict: Verdict,
): void {
  for (const one of made) {
    const expected = reference.get(keyOf(one));
    verdict.audiencesCompared += 1;
    const name = `${one.entry.key}, version ${one.version} (${keyOf(one)})`;
    if (expected === undefined) verdict.different.push(`${name}: nothing to compare it with`);
    else if (expected.digest !== one.digest) verdict.different.push(`${name}: another ranking`);
    else {
      const lines = expected.lines.filter((line) => JSON.parse(line).rank <= one.size);
      if (lines.join('\n') !== one.lines.join('\n')) verdict.different.push(`${name}: other rows`);
    }
  }
}

/** Each audience that an expansion made is told of once. */
export function checkEvents(dataDir: string, received: ReadonlySet<string>, verdict: Verdict): void {
  withDatabase(dataDir, (database) => {
    const told = new Map<string, number>();
    const events = database.prepare("SELECT body FROM webhook_events WHERE type = 'campaign.ready'").all();
    for (const { body } of events as { body: string }[]) {
      const id = JSON.parse(body).data.expansion_id as string;
      told.set(id, (told.get(id) ?? 0) + 1);
    }
    for (const [id, count] of told) if (count > 1) verdict.doubled.push(`${count} events tell of the expansion ${id}`);
    const ready = database.prepare("SELECT id FROM expansions WHERE state = 'ready'").all() as { id: string }[];
    for (const { id } of ready) if (!told.has(id)) verdict.lost.push(`no event tells of the expansion ${id}`);
    const delivered = database
      .prepare(
        `SELECT e.id FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event
         WHERE d.state = 'delivered'`,
      )
      .all() as { id: string }[];
    for (const { id } of delivered)
      if (!received.has(id)) verdict.lost.push(`the event ${id} is delivered, and was never received`);
  });
}

/** What lies in the folders of a service that is stopped, and belongs to nothing. */
export function checkFolders(dataDir: string, population: string, verdict: Verdict): void {
  const list = (...names: string[]) => {
    const folder = join(dataDir, ...names);
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  const { folders, sets } = withDatabase(dataDir, (database) => ({
    folders: new Set(
      (database.prepare('SELECT folder FROM audiences').all() as { folder: string }[]).map(({ folder }) => folder),
    ),
    sets: new Set(
      (database.prepare('SELECT sha256 FROM user_sets').all() as { sha256: string }[]).map(
        ({ sha256 }) => `${sha256}.txt`,
      ),
    ),
  }));
  for (const id of list('audiences'))
    for (const name of list('audiences', id))
      if (!folders.delete(`audiences/${id}/${name}`)) verdict.leftOver.push(`audiences/${id}/${name}`);
  for (const missing of folders) verdict.lost.push(`${missing} is not there`);
  for (const name of list('seeds')) if (!sets.delete(name)) verdict.leftOver.push(`seeds/${name}`);
  for (const missing of sets) verdict.lost.push(`seeds/${missing} is not there`);
  const known = /^(metaheac\.db(-wal|-shm)?|service\.lock|seeds|audiences)$/;
  for (const name of list()) if (!known.test(name)) verdict.leftOver.push(name);
  for (const path of readdirSync(population, { recursive: true }))
    if (/\.(new|old|tmp|part)\b/.test(String(path))) verdict.leftOver.push(`population: ${path}`);
}
