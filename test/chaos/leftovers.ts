/** Checks what a stopped service left: `metaheac verify`, file names, and events. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Corruption } from './corruption.ts';
import { query, storedVersions } from './stored.ts';
import type { Verdict } from './verdict.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MOST_OUTPUT = 1 << 24;
const KNOWN =
  /^(metaheac\.db(-wal|-shm)?|service\.lock|reserve|seeds|audiences|models|set-aside|store-[0-9a-f-]+\.json)$/;
const KNOWN_MODEL = /^(served\.json|[0-9a-f]{12})$/;

/** `verify` must find what was corrupted, no other damage, and no orphans. */
export async function checkFolders(
  dataDir: string,
  population: string,
  corruption: Corruption,
  verdict: Verdict,
): Promise<void> {
  const args = ['scripts/run.mjs', 'src/cli/main.ts', 'verify', dataDir, '--json'];
  // its exit code says whether it found something
  const options = { cwd: ROOT, maxBuffer: MOST_OUTPUT };
  const { stdout = '', stderr } = await promisify(execFile)(process.execPath, args, options).catch(
    (error: Error & { readonly stdout?: string; readonly stderr?: string }) => error,
  );
  if (stdout === '') throw new Error(`verify failed: ${stderr}`);
  const { faults, orphans } = JSON.parse(stdout) as { faults: { path: string; message: string }[]; orphans: string[] };
  for (const { path, message } of faults)
    if (!corruption.rankings.has(path)) verdict.lost.push(`verify: ${path}: ${message}`);
  const found = new Set(faults.map(({ path }) => path));
  for (const { folder } of storedVersions(dataDir))
    if (corruption.rankings.has(folder) && !found.has(folder)) verdict.lost.push(`verify missed ${folder}`);
  verdict.leftOver.push(
    ...orphans,
    ...readdirSync(dataDir).filter((name) => !KNOWN.test(name)),
    ...readdirSync(join(dataDir, 'models')).filter((name) => !KNOWN_MODEL.test(name)),
    ...readdirSync(population, { recursive: true })
      .map(String)
      .filter((path) => /\.(new|old|tmp|part)\b/.test(path)),
  );
}

/** There must be one event for each audience that an expansion made. */
export function checkEvents(dataDir: string, received: ReadonlySet<string>, verdict: Verdict): void {
  const told = new Map<string, number>();
  const ready = "SELECT body FROM webhook_events WHERE type IN ('campaign.ready', 'campaign.refreshed')";
  for (const { body } of query<{ body: string }>(dataDir, ready)) {
    const id = JSON.parse(body).data.expansion_id as string;
    told.set(id, (told.get(id) ?? 0) + 1);
  }
  for (const [id, count] of told)
    if (count > 1) verdict.doubled.push(`there are ${count} events for the expansion ${id}`);
  for (const { id } of query<{ id: string }>(dataDir, "SELECT id FROM expansions WHERE state = 'ready'"))
    if (!told.has(id)) verdict.lost.push(`there is no event for the expansion ${id}`);
  const delivered = `SELECT e.id FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event
    WHERE d.state = 'delivered'`;
  for (const { id } of query<{ id: string }>(dataDir, delivered))
    if (!received.has(id)) verdict.lost.push(`the event ${id} counts as delivered but was never received`);
}
