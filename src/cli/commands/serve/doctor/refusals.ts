/** Runs the startup checks to find out why a start would fail, and merges the reasons with doctor's findings. */
import { systemClock } from '../../../../lib/clock.ts';
import { createLogger } from '../../../../lib/logging.ts';
import type { Settings } from '../../../../service/settings/environment.ts';
import { Start, type StartCheck } from '../../../../service/start-checks.ts';
import { type Finding, findings } from './finding.ts';

/** Checks that must pass before the engine is tried. */
export const NEEDED_TO_LOAD = ['model', 'promoted models', 'device'];

/** Returns null if a required folder was not named. `openFiles` is the limit of the machine. */
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
 * Runs every startup check even if an earlier check has failed, to list everything that must be fixed. `known`: the
 * checks already known to fail. `hasKeys`: the store has keys.
 */
export async function findRefusals(
  start: Start,
  checks: readonly StartCheck[],
  hasKeys: boolean,
  known: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const refusals: Finding[] = [];
  const refused = (name: string) => known.has(name) || refusals.some(({ check }) => check === name);
  for (const { check, advice, look } of checks) {
    if (check === 'model loads' && NEEDED_TO_LOAD.some(refused)) continue;
    const found = await findings(check, advice, async () => {
      await look(start, () => hasKeys);
      return [];
    });
    // several checks may read the same thing and fail with the same message
    refusals.push(...found.filter(({ detail }) => refusals.every((refusal) => refusal.detail !== detail)));
  }
  return refusals;
}

/**
 * Returns the findings, including the reasons why a start would fail. Each reason has the error message of `serve`, and
 * replaces doctor's finding on the same subject, if there is one. If the folder and the port are both in use, a service
 * is running, and neither is reported as a failure.
 */
export function withRefusals(all: readonly Finding[], refusals: readonly Finding[]): readonly Finding[] {
  const isRunning = ['lock', 'port'].every((check) => refusals.some((refusal) => refusal.check === check));
  // if the check of the population fails, it is unknown whether the model and the population fit each other
  const isRefused = refusals.some(({ check }) => check === 'population');
  const found = all.filter(({ check }) => !(isRefused && check === 'model and population'));
  for (const refusal of refusals) {
    const { check, detail } = refusal;
    if (isRunning && (check === 'lock' || check === 'port')) continue;
    if (found.some((one) => one.status === 'failed' && one.detail.includes(detail))) continue;
    const at = found.findIndex((one) => one.check === check);
    const own = found[at];
    const finding = own?.status === 'failed' ? { ...refusal, advice: own.advice } : refusal;
    if (at === -1) found.push(finding);
    else found[at] = finding;
  }
  return found;
}
