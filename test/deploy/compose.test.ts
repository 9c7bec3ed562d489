/** Compose's profile of a cluster agrees with the image and with the code. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DEFAULT_LIMITS } from '../../src/service/limits.ts';
import { ROOT } from '../architecture/files.ts';
import { useFolders } from '../fixture/folders.ts';
import { expectCommand, expectKnown, expectMember, SECRETS, settingsOf } from './member.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
type Service = any;

const newFolder = useFolders();
const compose = parse(readFileSync(join(ROOT, 'docker/compose.yaml'), 'utf8'), { merge: true });
const services = Object.entries(compose.services as Record<string, Service>);
const inProfile = services.filter(([, { profiles }]) => profiles?.includes('cluster'));

describe("compose's profile of a cluster", () => {
  it('starts two nodes, two engines and their services, only with the profile', () => {
    expect(inProfile.map(([name]) => name).sort()).toEqual(
      ['api-1', 'api-2', 'bucket', 'engine-1', 'engine-2', 'postgres', 's3'].sort(),
    );
    for (const [name, { depends_on }] of services.filter((one) => !inProfile.includes(one)))
      expect(JSON.stringify(depends_on ?? []), name).not.toMatch(/postgres|s3|bucket/);
  });

  it('gives each member known settings and its own cache', () => {
    const caches = inProfile.flatMap(([name, { entrypoint, command, environment, volumes, secrets }]) => {
      if (!/^(api|engine)-/.test(name)) return [];
      expectKnown(Object.keys(environment));
      const values = settingsOf(entrypoint, environment, newFolder());
      expectCommand(command);
      expectMember(values, 's3://metaheac/compose?endpoint=http://s3:7070');
      for (const [variable, path] of Object.entries<string>(environment))
        if (variable.endsWith('_FILE')) expect(secrets).toContain(path.replace('/run/secrets/', ''));
      expect(values.METAHEAC_CACHE?.startsWith(`${volumes[0].split(':')[1]}/`)).toBe(true);
      return volumes;
    });
    expect(new Set(caches).size).toBe(4);
    for (const volume of caches) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
  });

  it('allows a longer shutdown than an engine needs', () => {
    for (const name of ['engine-1', 'engine-2'])
      expect(Number.parseInt(compose.services[name].stop_grace_period, 10) * 1000).toBeGreaterThan(
        2 * DEFAULT_LIMITS.engineDrainMs,
      );
  });

  it('publishes only the nodes, on different loopback ports', () => {
    const ports = inProfile.flatMap(([, service]) => (service.ports ?? []) as string[]);
    expect(ports).toEqual(['127.0.0.1:8081:8080', '127.0.0.1:8082:8080']);
  });

  it('declares every secret and pins every image', () => {
    for (const [name, { secrets = [], image }] of inProfile) {
      for (const secret of secrets) expect(Object.keys(compose.secrets), name).toContain(secret);
      expect(image, name).toMatch(/:(cpu|v?\d+\.\d+(\.\d+)?(-[\w.]+)?)$/);
    }
  });

  const tool = ['docker-compose', 'docker compose'].find(
    (words) => spawnSync(words, ['version'], { shell: true }).status === 0,
  );
  if (tool === undefined)
    process.stderr.write('SKIPPED: docker compose is not installed: compose.yaml is not parsed by it\n');
  it.runIf(tool !== undefined)('is parsed by compose', () => {
    const secrets = { METAHEAC_API_KEY: SECRETS['api_key'], CLUSTER_S3_SECRET: 'secret' };
    const command = `${tool} -f ${join(ROOT, 'docker/compose.yaml')} --profile cluster config --services`;
    const env = { ...process.env, ...secrets };
    const { status, stdout, stderr } = spawnSync(command, { shell: true, encoding: 'utf8', env });
    expect(status, stderr).toBe(0);
    expect(stdout.trim().split('\n').sort()).toEqual(services.map(([name]) => name).sort());
  });
});
