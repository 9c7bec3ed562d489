/** What a start would refuse, by its own list of checks, and how that joins what doctor found by itself. */
import { systemClock } from '../../../../lib/clock.ts';
import { AppError, messageOf } from '../../../../lib/errors.ts';
import { createLogger } from '../../../../lib/logging.ts';
import type { Settings } from '../../../../service/settings/environment.ts';
import { Start, type StartCheck } from '../../../../service/start-checks.ts';
import { type Finding, failed } from './finding.ts';

export interface Refusal {
  readonly check: string;
  /** The words of `serve`. */
  readonly message: string;
  readonly advice: string;
}

/** What the engine cannot be tried without. */
export const NEEDED_TO_LOAD = ['model', 'promoted models', 'device'];

/** null where a folder was not named. `openFiles`: as many as the machine allows. */
export function startOf({ values }: Settings, openFiles: number | null): Start | null {
  const { METAHEAC_DATA_DIR: dataDir, METAHEAC_MODEL: model, METAHEAC_POPULATION: population } = values;
  if (dataDir === undefined || model === undefined || population === undefined) return null;
  return new Start(
    {
      ...{ dataDir, model, population },
      ...{ host: values.METAHEAC_HOST, port: values.METAHEAC_PORT, apiKey: values.METAHEAC_API_KEY ?? null },
      metricsKey: values.METAHEAC_METRICS_KEY ?? null,
      allowedHosts: values.METAHEAC_ALLOWED_HOSTS,
      corsOrigins: values.METAHEAC_CORS_ORIGINS,
      trustedProxies: values.METAHEAC_TRUSTED_PROXIES,
      webhookAllowedHosts: values.METAHEAC_WEBHOOK_ALLOWED_HOSTS,
      ...{ device: values.METAHEAC_DEVICE, threads: values.METAHEAC_THREADS ?? null, limits: values.limits },
      ...{ logger: createLogger('silent', 'doctor'), clock: systemClock },
    },
    openFiles,
  );
}

/**
 * Each check of a start, whatever those before it say: all that must be mended. `known` are checks that failed.
 * `hasKeys`: keys are in the store.
 */
export async function findRefusals(
  start: Start,
  checks: readonly StartCheck[],
  hasKeys: boolean,
  known: ReadonlySet<string>,
): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  const refused = (check: string) => known.has(check) || refusals.some((refusal) => refusal.check === check);
  for (const one of checks) {
    if (one.check === 'model loads' && NEEDED_TO_LOAD.some(refused)) continue;
    const message = await refusalOf(one, start, hasKeys);
    // what one check reads another may need too
    if (message === null || refusals.some((refusal) => refusal.message === message)) continue;
    refusals.push({ check: one.check, message, advice: one.advice });
  }
  return refusals;
}

/**
 * The findings with the words of `serve` for what it refuses: in place of doctor's own on the same thing, or as a
 * failed line where doctor saw nothing. A folder in use and a port in use are the service that runs.
 */
export function withRefusals(all: readonly Finding[], refusals: readonly Refusal[]): readonly Finding[] {
  const isRunning = ['lock', 'port'].every((check) => refusals.some((refusal) => refusal.check === check));
  // whether they fit cannot be said of a population that is refused by itself
  const isRefused = refusals.some(({ check }) => check === 'population');
  const found = all.filter(({ check }) => !(isRefused && check === 'model and population'));
  for (const { check, message, advice } of refusals) {
    if (isRunning && (check === 'lock' || check === 'port')) continue;
    if (found.some((one) => one.status === 'failed' && one.detail.includes(message))) continue;
    const at = found.findIndex((one) => one.check === check);
    const own = found[at];
    const finding = failed(check, message, own?.status === 'failed' ? own.advice! : advice);
    if (at === -1) found.push(finding);
    else found[at] = finding;
  }
  return found;
}

async function refusalOf(check: StartCheck, start: Start, hasKeys: boolean): Promise<string | null> {
  try {
    await check.look(start, () => hasKeys);
    return null;
  } catch (error) {
    const isOfTheWorld = error instanceof AppError || (error instanceof Error && 'syscall' in error);
    if (!isOfTheWorld) throw error;
    return messageOf(error);
  }
}
