/** Injects random faults from the table. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import type { Rng } from '../../src/lib/rng.ts';
import { FAULTS, type Patient } from './faults.ts';

/** Milliseconds between two kills, and between two other faults. */
const PAUSES = { kills: { least: 3000, most: 13_000 }, others: { least: 500, most: 3000 } } as const;
/** Most kills hit a working service, others one that is starting. */
const KILLS_AT_WORK = 4;
/** How long a kill waits for the service to work. */
const AT_WORK_MS = 8000;

/** The faults so far, shared by all loops. */
export interface Tally {
  /** Faults that the service met. */
  readonly faults: Map<string, number>;
  /** Faults that it did not meet: there was nothing to inject them into, or nobody read the damage. */
  readonly unmet: Map<string, number>;
  /** Every fault with its times, in order. */
  readonly history: string[];
  readonly errors: string[];
}

/** Runs until the end. Kills have their own loop, so that they also strike while another fault lasts. */
export async function strikeAll(
  patient: Patient,
  kind: keyof typeof PAUSES,
  rng: Rng,
  { faults, unmet, history, errors, isOver }: Tally & { readonly isOver: () => boolean },
): Promise<void> {
  const obstacles = obstaclesOf(patient);
  const own = Object.entries(FAULTS).filter(
    ([name, { isKill = false }]) => isKill === (kind === 'kills') && !Object.hasOwn(obstacles, name),
  );
  const { least, most } = PAUSES[kind];
  let deck: typeof own = [];
  for (;;) {
    await sleep(least + rng.integer(most - least));
    if (kind === 'kills' && rng.integer(KILLS_AT_WORK) > 0) await untilReady(patient, isOver);
    while (kind === 'kills' && !isOver() && performance.now() < patient.truce.until) await sleep(100);
    if (isOver()) return;
    // each comes once before any comes again
    if (deck.length === 0) deck = [...own];
    const [name, fault] = deck.splice(rng.integer(deck.length), 1)[0]!;
    if (fault.isOfWork) await untilReady(patient, isOver);
    const from = timeOf();
    const isDone = await fault.strike(patient, rng).catch((error: NodeJS.ErrnoException) => {
      // another fault had already ended the process, or the disk was full before
      if (error.code !== 'ESRCH' && error.code !== 'ENOSPC') errors.push(`${name}: ${error.stack}`);
      return false;
    });
    const counts = isDone ? faults : unmet;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    history.push(`${from} to ${timeOf()} ${name}${isDone ? '' : ' (not met)'}`);
  }
}

/** The time of day, as in the service's log. */
function timeOf(): string {
  return new Date(systemClock.now()).toISOString().slice(11, 23);
}

async function untilReady({ program }: Patient, isOver: () => boolean): Promise<void> {
  const end = performance.now() + AT_WORK_MS;
  const isAnswered = async () => (await program.call('GET', '/readyz').catch(() => null))?.status === 200;
  while (!isOver() && performance.now() < end && !(await isAnswered())) await sleep(100);
}

/** Faults that cannot be injected here, with the reason. */
export function obstaclesOf(patient: Patient): Record<string, string> {
  const found = Object.entries(FAULTS).map(([name, { obstacle }]) => [name, obstacle?.(patient) ?? null] as const);
  return Object.fromEntries(found.filter((one): one is [string, string] => one[1] !== null));
}
