/** Checks whether each part of the service is ready, and if not, why. */
import { messageOf } from '../../lib/errors.ts';
import { grouped } from '../../lib/text/counted.ts';
import type { EngineHeartbeat } from '../../service/ports/health.ts';
import type { Population } from '../../service/ports/populations.ts';
import type { ServerDependencies } from '../dependencies.ts';

export interface Part {
  readonly name: 'engine' | 'store' | 'model' | 'population' | 'disk' | 'descriptors';
  readonly ready: boolean;
  /** Whether the part does only some of its work, for a limited time. */
  readonly degraded?: boolean;
  readonly detail: string;
}

type Verdict = Omit<Part, 'name'>;

/** Milliseconds for which the result of an expensive check is reused. A check of the store waits for the disk. */
const KEPT_MS = 1_000;
/** If another process has been writing to the store for longer than this, the store counts as not writable. */
const BUSY_MS = 10_000;

/**
 * Returns the current state of each part. The checks of the store and the file descriptors are expensive, so their
 * results are cached for a second. Changes of readiness are logged.
 */
export function createReadiness(dependencies: ServerDependencies): () => Promise<readonly Part[]> {
  const { clock, eraser } = dependencies;
  const store = kept(createStoreProbe(dependencies), clock);
  const descriptors = kept(() => descriptorVerdict(dependencies), clock);
  const noteChange = changeLog(dependencies);
  return async () => {
    const { model, population } = dependencies.served();
    const obstacle = eraser.obstacle();
    const parts: readonly Part[] = [
      { name: 'engine', ...engineVerdict(dependencies) },
      { name: 'store', ...(outageVerdict(dependencies) ?? (await store())) },
      { name: 'model', ready: true, detail: `version ${model.version}` },
      {
        name: 'population',
        ready: true,
        detail: describePopulation(population) + (obstacle === null ? '' : `; ${obstacle}`),
      },
      // the disk is checked every time, so that a caller who got an error about a full disk is not told that everything
      // is ready
      { name: 'disk', ...(await verdictOf(() => diskVerdict(dependencies))) },
      { name: 'descriptors', ...(await descriptors()) },
    ];
    noteChange(parts);
    return parts;
  };
}

/** Logs which parts are not ready, or that all are, if this has changed since the previous check. */
function changeLog({ logger }: ServerDependencies): (parts: readonly Part[]) => void {
  let before = '';
  return (parts) => {
    const faults = parts.filter(({ ready, degraded }) => !ready || degraded);
    const now = faults.map(({ name, ready }) => `${name} ${ready}`).join();
    if (now === before) return;
    before = now;
    if (faults.length === 0) logger.info('ready');
    else logger.warn({ parts: faults }, faults.every(({ ready }) => ready) ? 'degraded' : 'not ready');
  };
}

/** Creates a check that reuses the result or the error of `look` for a second. */
function kept(look: () => Verdict | Promise<Verdict>, clock: ServerDependencies['clock']): () => Promise<Verdict> {
  let verdict: Promise<Verdict> | null = null;
  let lookedAt = 0;
  return async () => {
    const now = clock.elapsed();
    if (verdict === null || now - lookedAt >= KEPT_MS) {
      verdict = verdictOf(look);
      lookedAt = now;
    }
    return verdict;
  };
}

/** Runs a check. If the check throws, its error is the reason why the part is not ready. */
async function verdictOf(look: () => Verdict | Promise<Verdict>): Promise<Verdict> {
  try {
    return await look();
  } catch (error) {
    return { ready: false, detail: messageOf(error) };
  }
}

function engineVerdict({ engine, config }: ServerDependencies): Verdict {
  const { ready, detail, heartbeat } = engine();
  if (!ready || !heartbeat) return { ready, detail };
  if (heartbeat.ageMs <= config.readyHeartbeatMs) return { ready, detail: detail + refusalOf(heartbeat) };
  return { ready: false, detail: `no heartbeat for ${seconds(heartbeat.ageMs)} s` };
}

/** An engine that scores fewer ranges than it could is still ready. */
function refusalOf({ refusedModels: models }: EngineHeartbeat): string {
  if (models.length === 0) return '';
  const why = `because it scores the golden batch of ${models.join(', ')} differently`;
  return `; refused for ranges of other engines' expansions, ${why}`;
}

/** Creates a check that writes to the store, because a readable store need not be writable. */
function createStoreProbe({ store, clock }: ServerDependencies): () => Promise<Verdict> {
  let writtenAt = clock.elapsed();
  return async () => {
    const { depth, oldestSeconds } = await store.health.queue();
    const result = await store.health.probe();
    const now = clock.elapsed();
    if (result === 'written') writtenAt = now;
    const busyMs = now - writtenAt;
    if (busyMs > BUSY_MS) return { ready: false, detail: `another process has been writing for ${seconds(busyMs)} s` };
    return { ready: true, detail: `${depth} queued, the oldest for ${Math.round(oldestSeconds)} s` };
  };
}

/** The verdict on a database that does not answer; null if it answers. */
function outageVerdict({ store, config }: ServerDependencies): Verdict | null {
  const outage = store.cluster?.outage() ?? null;
  if (outage === null) return null;
  const lost = `no answer for ${seconds(outage.ms)} s (${outage.reason})`;
  if (outage.ms >= config.maximumOutageMs) return { ready: false, detail: lost };
  const most = seconds(config.maximumOutageMs);
  return { ready: true, degraded: true, detail: `${lost}: look-ups are answered from memory for at most ${most} s` };
}

function describePopulation({ version, rowCount }: Pick<Population, 'version' | 'rowCount'>): string {
  return `version ${version}, ${grouped(rowCount)} users`;
}

/**
 * Checks free space against the reserve first, because new work is refused below the reserve, and the reserve is by
 * default larger than the readiness limit.
 */
function diskVerdict({ machine, storage, config }: ServerDependencies): Verdict {
  const reserve = storage.disk();
  if (reserve.isLow) {
    const { freeBytes, reserveBytes, fault } = reserve;
    if (fault !== null) return { ready: false, detail: `read-only: ${fault}` };
    const why = freeBytes < reserveBytes ? `below the reserve of ${grouped(reserveBytes)}` : 'kept for deletions';
    return { ready: false, detail: `read-only: ${grouped(freeBytes)} bytes free, ${why}` };
  }
  const { freeBytes } = machine.disk();
  const free = `${size(freeBytes)} free`;
  if (freeBytes >= config.readyFreeBytes) return { ready: true, detail: free };
  return { ready: false, detail: `${free}, less than ${size(config.readyFreeBytes)}` };
}

function descriptorVerdict({ machine, config }: ServerDependencies): Verdict {
  const descriptors = machine.descriptors();
  if (descriptors === null) return { ready: true, detail: 'not known on this system' };
  const { open, limit } = descriptors;
  return { ready: limit - open >= config.readyFreeDescriptors, detail: `${grouped(open)} of ${grouped(limit)} open` };
}

/** Formats bytes in decimal units, such as `54.1 GB` or `3.1 MB`, like the console. */
function size(bytes: number): string {
  return bytes >= 1e9 ? `${grouped(bytes / 1e9)} GB` : `${grouped(bytes / 1e6)} MB`;
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
