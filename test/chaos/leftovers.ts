/** Checks what a stopped service left: `metaheac verify`, file names, and webhooks. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../fixture/projects.ts';
import type { Corruption } from './corruption.ts';
import { checkCauses, type EventFacts, type EventRow } from './deliveries.ts';
import type { Received } from './receiver.ts';
import { query, storedVersions } from './stored.ts';
import type { Verdict } from './verdict.ts';

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

/** Each change has one event, and what counts as delivered was received. */
export function checkWebhooks(
  dataDir: string,
  received: readonly Received[],
  entries: EventFacts['entries'],
  verdict: Verdict,
): void {
  const ready = query<{ id: string }>(dataDir, "SELECT id FROM expansions WHERE state = 'ready'").map(({ id }) => id);
  const events = query<EventRow>(dataDir, 'SELECT id, type, body FROM webhook_events');
  checkCauses({ events, entries, ready }, verdict);
  const delivered = `SELECT e.id FROM webhook_deliveries d JOIN webhook_events e ON e.number = d.event
    WHERE d.state = 'delivered'`;
  const found = new Set(received.map(({ event }) => event));
  for (const { id } of query<{ id: string }>(dataDir, delivered))
    if (!found.has(id)) verdict.lost.push(`the event ${id} counts as delivered but was never received`);
}
