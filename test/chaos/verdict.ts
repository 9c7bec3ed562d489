/** Whether a service or a cluster has everything that it acknowledged, once, and nothing else. */
import { join } from 'node:path';
import { isEnd } from '../../src/domain/states.ts';
import { digestOf } from '../fixture/digest.ts';
import type { Entry } from './client.ts';
import { isExcused, type Stored } from './comparison.ts';
import type { Corruption } from './corruption.ts';
import type { Answer, Callable } from './member.ts';
import { lookAt } from './sighting.ts';
import { storedVersions } from './stored.ts';
import { seedsOf, variantOf, type World } from './world.ts';

/** Problems, one line each. */
export interface Verdict {
  readonly lost: string[];
  readonly doubled: string[];
  /** Audiences and rankings that differ from the undisturbed ones. */
  readonly different: string[];
  readonly leftOver: string[];
  /** Nodes of a cluster that went on too long with what was no longer true. */
  readonly late: string[];
  audiencesCompared: number;
  /** Versions that are refused because their ranking was corrupted. */
  refused: number;
  /** Expansions that the service started because of damaged audiences. */
  remade: number;
  /** Expansions that failed while a segment was corrupted. */
  excused: number;
}

export function emptyVerdict(): Verdict {
  return {
    lost: [],
    doubled: [],
    different: [],
    leftOver: [],
    late: [],
    audiencesCompared: 0,
    refused: 0,
    remade: 0,
    excused: 0,
  };
}

/** The input of the comparison with the ledgers. */
export interface Scene {
  readonly program: Callable;
  readonly world: World;
  /** Campaigns that are in no ledger. */
  readonly others: ReadonlySet<string>;
  /** What was corrupted, and the data folder with it; null if no stored file is corrupted. */
  readonly damage: { readonly dataDir: string; readonly corruption: Corruption } | null;
}

/** Compares the service with the ledgers, and returns every audience version that it serves. */
export async function checkLedgers(scene: Scene, entries: readonly Entry[], verdict: Verdict): Promise<Stored[]> {
  const served = await allCampaigns(scene);
  const names = new Map<string, number>();
  for (const { name } of served) names.set(name, (names.get(name) ?? 0) + 1);
  for (const [name, count] of names) if (count > 1) verdict.doubled.push(`${count} campaigns are named ${name}`);
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  for (const { id, name } of served)
    if (scene.others.has(id)) continue;
    else if (!known.has(id)) verdict.doubled.push(`${name}: the campaign ${id} is in no ledger`);
    else if (known.get(id)!.isDeleted) verdict.lost.push(`${name}: it was deleted but exists`);
  const ids = new Set(served.map(({ id }) => id));
  const stored: Stored[] = [];
  for (const entry of entries.filter(({ isDeleted }) => !isDeleted))
    if (!ids.has(entry.id)) verdict.lost.push(`${entry.key}: the campaign is gone`);
    else stored.push(...(await checkCampaign(scene, entry, verdict)));
  return stored;
}

async function allCampaigns(scene: Scene): Promise<{ id: string; name: string }[]> {
  const found: { id: string; name: string }[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await get(scene, `/v1/campaigns?limit=200${cursor ? `&cursor=${cursor}` : ''}`);
    found.push(...page.items);
    cursor = page.next_cursor;
  }
  return found;
}

async function get({ program }: Scene, path: string): Promise<Answer['json']> {
  const { status, json, text } = await program.call('GET', path);
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${text.slice(0, 400)}`);
  return json;
}

async function checkCampaign(scene: Scene, entry: Entry, verdict: Verdict): Promise<Stored[]> {
  const path = `/v1/campaigns/${entry.id}`;
  const lose = (what: string) => verdict.lost.push(`${entry.key} (${entry.id}): ${what}`);
  const [campaign, seeds] = [await get(scene, path), await get(scene, `${path}/seeds`)];
  const expected = seedsOf(scene.world.campaigns[entry.campaign]!, entry.variant).length;
  if (seeds.users !== expected) lose(`${seeds.users} seeds, ${expected} were uploaded`);
  if (campaign.audience?.size !== entry.size) lose(`the size is ${campaign.audience?.size}, not ${entry.size}`);
  const folders = foldersOf(scene, entry.id);
  const isHit = (version: number) => scene.damage?.corruption.rankings.has(folders.get(version)!) === true;
  const hits = [...folders.keys()].filter(isHit).length;
  if (entry.active !== null && campaign.audience_version !== entry.active && hits === 0)
    lose(`version ${campaign.audience_version} is active, not ${entry.active}`);
  const { items: expansions } = (await get(scene, `${path}/expansions?limit=200`)) as { items: Expansion[] };
  const mayRemake = hits === 0 ? 0 : hits + entry.rollBacks;
  checkExpansions(scene, { entry, expansions, mayRemake }, verdict);
  const { items: versions } = (await get(scene, `${path}/audiences?limit=200`)) as { items: { version: number }[] };
  if (scene.damage !== null && versions.length !== folders.size) lose(`${versions.length} of ${folders.size} versions`);
  const ready = expansions.filter(({ state }) => state === 'ready').length;
  if (versions.length > ready + entry.resizes)
    verdict.doubled.push(`${entry.key}: ${versions.length} versions of ${ready} expansions, ${entry.resizes} resizes`);
  const stored: Stored[] = [];
  for (const { version } of versions) {
    const look = await lookAt(scene, entry, version);
    if (look.sighting !== null) {
      const folder = isHit(version) ? undefined : folders.get(version);
      const digest = folder === undefined ? null : digestOf(join(scene.damage!.dataDir, folder));
      stored.push({ ...look.sighting, digest });
    } else if (isHit(version) && (look.status === 503 || look.status === 0)) verdict.refused += 1;
    else lose(`version ${version} is answered with ${look.status}: ${look.text}`);
  }
  return stored;
}

/** The folders of a campaign's rankings by version; none if no stored file is corrupted. */
function foldersOf({ damage }: Scene, campaign: string): ReadonlyMap<number, string> {
  const stored = damage === null ? [] : storedVersions(damage.dataDir).filter(({ id }) => id === campaign);
  return new Map(stored.map(({ version, folder }) => [version, folder]));
}

interface Expansion {
  readonly id: string;
  readonly state: string;
  readonly seeds: { readonly known: number; readonly unknown: number };
  readonly audience_version: number | null;
  readonly reason: { readonly code: string } | null;
  readonly created_at: string;
  readonly updated_at: string;
}

interface Asked {
  readonly entry: Entry;
  readonly expansions: readonly Expansion[];
  /** Each corrupted ranking may be made again, and once more if one of its versions is activated again. */
  readonly mayRemake: number;
}

function checkExpansions(scene: Scene, { entry, expansions, mayRemake }: Asked, verdict: Verdict): void {
  const found = new Map(expansions.map((one) => [one.id, one]));
  const remade = expansions.filter(({ id }) => !entry.expansions.has(id));
  const times = remade.filter(({ state }) => state === 'ready').length;
  verdict.remade += times;
  if (times > mayRemake) verdict.doubled.push(`${entry.key}: made again ${times} times, for ${mayRemake} reasons`);
  const last = expansions[0]?.id;
  const check = (one: Expansion, variant: number | null): string | null => {
    const { state, reason } = one;
    if (entry.cancelled.has(one.id) !== (state === 'cancelled'))
      return `was ${entry.cancelled.has(one.id) ? '' : 'not '}cancelled, and is ${state}`;
    const seeds = variantOf(scene.world.campaigns[entry.campaign]!, one.seeds.known + one.seeds.unknown);
    if (variant !== null && seeds !== variant) return `has the seeds of variant ${seeds}, not ${variant}`;
    const { corruption } = scene.damage ?? {};
    if (reason?.code === 'population_unavailable' && corruption !== undefined && isExcused(corruption, spanOf(one))) {
      verdict.excused += 1;
      return null;
    }
    if (state === 'failed' || state === 'too_small' || !isEnd(state as never))
      return `is ${state}: ${JSON.stringify(reason)}`;
    if (one.id === last && state === 'superseded') return 'is superseded, though none came after';
    return state === 'ready' && one.audience_version === null ? 'is ready without an audience' : null;
  };
  for (const [id, variant] of entry.expansions) {
    const one = found.get(id);
    const what = one === undefined ? 'is gone' : check(one, variant);
    if (what !== null) verdict.lost.push(`${entry.key}: the expansion ${id} ${what}`);
  }
  for (const one of remade) {
    const what = check(one, null);
    if (what !== null) verdict.lost.push(`${entry.key}: the expansion ${one.id}, made again, ${what}`);
  }
}

function spanOf({ created_at, updated_at }: Expansion) {
  return { from: Date.parse(created_at), to: Date.parse(updated_at) };
}
