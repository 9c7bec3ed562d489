/** Runs the startup checks to find out why a start would fail. */
import { systemClock } from '../../../../lib/clock.ts';
import { createLogger } from '../../../../lib/logging.ts';
import type { Settings } from '../../../../service/settings/environment.ts';
import { Start, type StartCheck } from '../../../../service/start-checks.ts';
import { type Finding, findings } from './finding.ts';

/** Checks that must pass before the engine is tried. */
const MODELS = ['model', 'promoted models'];

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
 * Runs every startup check even if an earlier check has failed, to list everything that must be fixed. `hasKeys`: the
 * store has keys; `hasDevice`: the device can be used.
 */
export async function findRefusals(
  start: Start,
  checks: readonly StartCheck[],
  hasKeys: boolean,
  hasDevice: boolean,
): Promise<readonly Finding[]> {
  const refusals: Finding[] = [];
  for (const { check, advice, look } of checks) {
    const isLoadable = hasDevice && !refusals.some((refusal) => MODELS.includes(refusal.check));
    if (check === 'model loads' && !isLoadable) continue;
    const found = await findings(check, advice, async () => {
      await look(start, () => hasKeys);
      return [];
    });
    // several checks may read the same thing and fail with the same message
    refusals.push(...found.filter(({ detail }) => refusals.every((refusal) => refusal.detail !== detail)));
  }
  return refusals;
}
