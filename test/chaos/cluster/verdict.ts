/** Whether a cluster has everything that it acknowledged, once, and nothing else. */
import { isEnd } from '../../../src/domain/states.ts';
import type { Entry } from '../client.ts';
import type { Callable } from '../program.ts';
import { lookAt, type Sighting } from '../sighting.ts';
import type { Verdict } from '../verdict.ts';
import { seedsOf, variantOf, type World } from '../world.ts';

interface Scene {
  readonly program: Callable;
  readonly world: World;
  /** Campaigns that are in no ledger. */
  readonly others: ReadonlySet<string>;
}

interface Expansion {
  readonly id: string;
  readonly state: string;
  readonly seeds: { readonly known: number; readonly unknown: number };
  readonly audience_version: number | null;
  readonly reason: unknown;
}

/** Compares the cluster with the ledgers, and returns every audience version that it serves. */
export async function checkCluster(scene: Scene, entries: readonly Entry[], verdict: Verdict): Promise<Sighting[]> {
  const { items } = await get(scene, '/v1/campaigns?limit=200');
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  const names = new Map<string, number>();
  for (const { id, name } of items as { id: string; name: string }[]) {
    names.set(name, (names.get(name) ?? 0) + 1);
    if (scene.others.has(id)) continue;
    else if (!known.has(id)) verdict.doubled.push(`${name}: the campaign ${id} is in no ledger`);
    else if (known.get(id)!.isDeleted) verdict.lost.push(`${name}: it was deleted but exists`);
  }
  for (const [name, count] of names) if (count > 1) verdict.doubled.push(`${count} campaigns are named ${name}`);
  const ids = new Set(items.map(({ id }: { id: string }) => id));
  const seen: Sighting[] = [];
  for (const entry of entries.filter(({ isDeleted }) => !isDeleted))
    if (!ids.has(entry.id)) verdict.lost.push(`${entry.key}: the campaign is gone`);
    else seen.push(...(await checkCampaign(scene, entry, verdict)));
  return seen;
}

async function get({ program }: Scene, path: string) {
  const { status, json, text } = await program.call('GET', path);
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${text.slice(0, 400)}`);
  return json;
}

async function checkCampaign(scene: Scene, entry: Entry, verdict: Verdict): Promise<Sighting[]> {
  const path = `/v1/campaigns/${entry.id}`;
  const lose = (what: string) => verdict.lost.push(`${entry.key} (${entry.id}): ${what}`);
  const [campaign, seeds] = [await get(scene, path), await get(scene, `${path}/seeds`)];
  const expected = seedsOf(scene.world.campaigns[entry.campaign]!, entry.variant).length;
  if (seeds.users !== expected) lose(`${seeds.users} seeds, ${expected} were uploaded`);
  if (campaign.audience?.size !== entry.size) lose(`the size is ${campaign.audience?.size}, not ${entry.size}`);
  if (entry.active !== null && campaign.audience_version !== entry.active)
    lose(`version ${campaign.audience_version} is active, not ${entry.active}`);
  const { items: expansions } = (await get(scene, `${path}/expansions?limit=200`)) as { items: Expansion[] };
  checkExpansions(scene.world, entry, expansions, verdict);
  const { items: versions } = (await get(scene, `${path}/audiences?limit=200`)) as { items: { version: number }[] };
  const ready = expansions.filter(({ state }) => state === 'ready').length;
  if (versions.length > ready + entry.resizes)
    verdict.doubled.push(`${entry.key}: ${versions.length} versions of ${ready} expansions, ${entry.resizes} resizes`);
  const seen: Sighting[] = [];
  for (const { version } of versions) {
    const look = await lookAt(scene, entry, version);
    if (look.sighting === null) lose(`version ${version} is answered with ${look.status}: ${look.text}`);
    else seen.push(look.sighting);
  }
  return seen;
}

function checkExpansions(world: World, entry: Entry, expansions: readonly Expansion[], verdict: Verdict): void {
  const found = new Map(expansions.map((one) => [one.id, one]));
  for (const { id } of expansions)
    if (!entry.expansions.has(id)) verdict.doubled.push(`${entry.key}: the expansion ${id} is in no ledger`);
  for (const [id, variant] of entry.expansions) {
    const one = found.get(id);
    const what = one === undefined ? 'is gone' : faultOf(world, entry, one, variant, id === expansions[0]?.id);
    if (what !== null) verdict.lost.push(`${entry.key}: the expansion ${id} ${what}`);
  }
}

function faultOf(
  world: World,
  entry: Entry,
  { id, state, reason, seeds, audience_version: version }: Expansion,
  variant: number,
  isLast: boolean,
): string | null {
  const isCancelled = entry.cancelled.has(id);
  if (isCancelled !== (state === 'cancelled')) return `was ${isCancelled ? '' : 'not '}cancelled, and is ${state}`;
  const used = variantOf(world.campaigns[entry.campaign]!, seeds.known + seeds.unknown);
  if (used !== variant) return `has the seeds of variant ${used}, not ${variant}`;
  if (state === 'failed' || state === 'too_small' || !isEnd(state as never))
    return `is ${state}: ${JSON.stringify(reason)}`;
  if (isLast && state === 'superseded') return 'is superseded, though none came after';
  return state === 'ready' && version === null ? 'is ready without an audience' : null;
}
