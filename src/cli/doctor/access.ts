/** Who may reach the service: address, key, port, and who can read the secrets. */
import { createServer } from 'node:net';
import { requireKeyFor } from '../../server/http/auth.ts';
import type { Settings } from '../environment.ts';
import { SETTINGS } from '../setting-list.ts';
import { type Finding, failed, findings, fine, warning } from './finding.ts';
import { modeOf, openToOthers } from './paths.ts';

export function examineKey({ values }: Settings): Promise<readonly Finding[]> {
  const { METAHEAC_HOST: host, METAHEAC_API_KEY: key } = values;
  const advice = 'Set a key of 16 characters or more, best in a file: METAHEAC_API_KEY_FILE.';
  return findings('access', advice, () => {
    requireKeyFor(host, key !== undefined);
    return [fine('access', key === undefined ? `${host}, this machine only, without a key` : `${host}, with a key`)];
  });
}

/** The files that secrets were read from. */
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
      `Close it: chmod o-rwx ${open}`,
    );
  return fine(check, files.length === 0 ? 'none in files' : `${files.join(', ')} closed to other users`);
}

/** Listens for a moment. `isRunning`: a service uses the data folder, and so probably the port. */
export async function examinePort({ values }: Settings, isRunning: boolean): Promise<Finding> {
  const { METAHEAC_HOST: host, METAHEAC_PORT: port } = values;
  const check = 'port';
  const code = await listenOnce(host, port);
  if (code === null) return fine(check, port === 0 ? 'any free one' : `${port} on ${host} is free`);
  if (code === 'EADDRINUSE')
    return isRunning
      ? fine(check, `${port} on ${host} is in use, as the data folder is`)
      : failed(check, `${port} on ${host} is in use by another program`, 'Stop that, or choose another --port.');
  if (code === 'EACCES')
    return failed(check, `this user may not listen on ${port}`, 'Choose a port of 1024 or more behind a proxy.');
  return failed(check, `cannot listen on ${port} of ${host} (${code})`, 'Name an address of this machine: --host.');
}

/** null, or the system's code. */
function listenOnce(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
