/** Finds the reasons why a start would fail, by running its checks, and merges them with the findings of doctor. */
import { systemClock } from '../../../../lib/clock.ts';
import { AppError, messageOf } from '../../../../lib/errors.ts';
import { createLogger } from '../../../../lib/logging.ts';
import type { Settings } from '../../../../service/settings/environment.ts';
import { Start, type StartCheck } from '../../../../service/start-checks.ts';
import { type Finding, failed } from './finding.ts';

export interface Refusal {
  readonly check: string;
  /** The error message of `serve`. */
  readonly message: string;
  readonly advice: string;
}

/** Checks that must pass before the engine can be tried. */
export const NEEDED_TO_LOAD = ['model', 'promoted models', 'device'];

/** null if a folder was not named. `openFiles` is the limit of the machine. */
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
 * Runs each check of a start, whatever the earlier ones found, to list everything that must be fixed. `known` are
 * checks that failed. `hasKeys`: the store has keys.
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
    // checks may read the same thing and fail with the same message
    if (message === null || refusals.some((refusal) => refusal.message === message)) continue;
    refusals.push({ check: one.check, message, advice: one.advice });
  }
  return refusals;
}

/**
 * The findings, including the reasons why a start would fail. Such a reason has the error message of `serve`; it
 * replaces the finding of doctor on the same subject, or is added as a failed line. If the folder and the port are both
 * in use, a service is running, and neither counts.
 */
export function withRefusals(all: readonly Finding[], refusals: readonly Refusal[]): readonly Finding[] {
  const isRunning = ['lock', 'port'].every((check) => refusals.some((refusal) => refusal.check === check));
  // whether model and population fit is unknown if the check of the population fails
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
