/** Examines access to the service: address, key, port, and permissions of secret files. */
import { createServer } from 'node:net';
import type { KeyCounts } from '../../../../domain/ports/store.ts';
import { isLoopback, requireKeyFor } from '../../../../lib/listening.ts';
import { modeOf, openToOthers } from '../../../../service/paths.ts';
import type { Settings } from '../../../../service/settings/environment.ts';
import { SETTINGS } from '../../../../service/settings/setting-list.ts';
import { type Finding, failed, findings, fine, warning } from './finding.ts';

/** `stored` counts the keys in the data folder; null if there is no data folder, or its keys cannot be read. */
export function examineKey({ values }: Settings, stored: KeyCounts | null): Promise<readonly Finding[]> {
  const { METAHEAC_HOST: host, METAHEAC_API_KEY: key, METAHEAC_TRUSTED_PROXIES: proxies } = values;
  const check = 'access';
  const advice =
    'Set a key of at least 16 characters, preferably in a file (METAHEAC_API_KEY_FILE), or run metaheac keys create.';
  const made = stored?.made ?? 0;
  return findings(check, advice, () => {
    requireKeyFor(host, key !== undefined || made > 0, proxies);
    const isPrivate = isLoopback(host) && proxies.length === 0;
    const where = isPrivate ? `${host}, this machine only` : `${host}, other machines too`;
    const detail = `${where}, ${describeKeys(key !== undefined, stored)}`;
    if (key === undefined && made > 0 && stored!.valid === 0)
      return [
        warning(check, detail, 'Nobody has access: create a key with metaheac keys create, or set METAHEAC_API_KEY.'),
      ];
    return [fine(check, detail)];
  });
}

function describeKeys(isGiven: boolean, stored: KeyCounts | null): string {
  const given = isGiven ? ['METAHEAC_API_KEY'] : [];
  if (stored === null || stored.made === 0) return isGiven ? `keys: ${given[0]}` : 'without a key';
  const { made, valid, admin } = stored;
  const gone = made === valid ? '' : `, ${made - valid} revoked or expired`;
  return `keys: ${[...given, `${valid} in the store (${admin} admin${gone})`].join(' and ')}`;
}

/** Examines the permissions of secret files. */
export function examineSecrets({ origins }: Settings): Finding {
  const check = 'secrets';
  const files = SETTINGS.flatMap(({ variable, secretFile }) => {
    const origin = secretFile === null ? undefined : origins.get(variable);
    if (origin === undefined || origin.kind === 'default') return [];
    if (origin.secretFile !== undefined) return [origin.secretFile];
    return origin.kind === 'file' ? [origin.path] : [];
  });
  const open = files.find((file) => openToOthers(file) !== null);
  if (open !== undefined)
    return warning(
      check,
      `${open} holds a key and can be ${openToOthers(open)} by every user of the machine (mode ${modeOf(open)})`,
      `Restrict access: chmod o-rwx ${open}`,
    );
  return fine(check, files.length === 0 ? 'none in files' : `${files.join(', ')} not accessible to other users`);
}

/**
 * Tests the port by listening on it briefly. `isRunning`: a service is using the data folder, and therefore probably
 * the port too.
 */
export async function examinePort({ values }: Settings, isRunning: boolean): Promise<Finding> {
  const { METAHEAC_HOST: host, METAHEAC_PORT: port } = values;
  const check = 'port';
  const code = await listenOnce(host, port);
  if (code === null) return fine(check, port === 0 ? 'any free port' : `${port} on ${host} is free`);
  if (code === 'EADDRINUSE')
    return isRunning
      ? fine(check, `${port} on ${host} is in use, and so is the data folder`)
      : failed(
          check,
          `${port} on ${host} is in use by another program`,
          'Stop that program, or choose another --port.',
        );
  if (code === 'EACCES')
    return failed(
      check,
      `this user may not listen on port ${port}`,
      'Choose port 1024 or above, and put a proxy in front.',
    );
  return failed(
    check,
    `cannot listen on port ${port} of ${host} (${code})`,
    'Set --host to an address of this machine.',
  );
}

/** Returns null on success, otherwise the error code of the operating system. */
function listenOnce(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
