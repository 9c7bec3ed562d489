/** Describes access to the service: address, key, port, and permissions of secret files. */
import type { KeyCounts } from '../../../../domain/ports/store.ts';
import { isLoopback } from '../../../../lib/listening.ts';
import { modeOf, openToOthers } from '../../../../service/paths.ts';
import type { Settings } from '../../../../service/settings/environment.ts';
import { SETTINGS } from '../../../../service/settings/setting-list.ts';
import { type Finding, fine, warning } from './finding.ts';

/** `stored` counts the keys in the store; null if there is no store or its keys cannot be read. */
export function describeAccess({ values }: Settings, stored: KeyCounts | null): Finding {
  const { METAHEAC_HOST: host, METAHEAC_API_KEY: key, METAHEAC_TRUSTED_PROXIES: proxies } = values;
  const check = 'access';
  const isPrivate = isLoopback(host) && proxies.length === 0;
  const where = isPrivate ? `${host}, this machine only` : `${host}, other machines too`;
  const detail = `${where}, ${describeKeys(key !== undefined, stored)}`;
  if (key !== undefined || stored === null || stored.made === 0 || stored.valid > 0) return fine(check, detail);
  return warning(check, detail, 'Nobody has access: create a key with metaheac keys create, or set METAHEAC_API_KEY.');
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

export function describePort({ values }: Settings): Finding {
  const { METAHEAC_HOST: host, METAHEAC_PORT: port } = values;
  return fine('port', port === 0 ? 'any free port' : `${port} on ${host} is free`);
}
