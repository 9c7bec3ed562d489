/** The manifests of a cluster, and compose's profile of it, agree with each other, with the image and with the code. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readSettings, VARIABLES } from '../../src/service/settings/environment.ts';
import { ROOT } from '../architecture/files.ts';
import { useFolders } from '../fixture/folders.ts';

const FOLDER = join(ROOT, 'deploy/kubernetes/cluster');
/** Of the AWS SDK (its reference of settings). */
const AWS_VARIABLES = ['AWS_REGION', 'AWS_SHARED_CREDENTIALS_FILE'];
/** The contents of secrets by the names of their files. */
const SECRETS: Readonly<Record<string, string>> = {
  store: 'postgres://metaheac:secret@postgres/metaheac',
  api_key: '0123456789abcdef',
  aws_credentials: '[default]',
};

const newFolder = useFolders();
const dockerfile = readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8');
const ENTRYPOINT = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)![1]!);
const kustomization = parse(readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8'));
const compose = parse(readFileSync(join(ROOT, 'docker/compose.yaml'), 'utf8'), { merge: true });

// biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
type Manifest = any;

const manifests = kustomization.resources.flatMap((name: string) =>
  parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8'), { merge: true }).map((document) => document.toJS()),
) as Manifest[];

const find = (kind: string, name: string): Manifest =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name);
const podOf = (name: string): Manifest => find('Deployment', name).spec.template;
const members = ['metaheac-api', 'metaheac-engine'] as const;
const services = Object.entries(compose.services as Record<string, Manifest>);
const inProfile = services.filter(([, { profiles }]) => profiles?.includes('cluster'));

/** The variables of the `cpu` image. */
const ofImage = Object.fromEntries(
  /^ENV (.*METAHEAC_DATA_DIR.*)$/m
    .exec(dockerfile)![1]!
    .split(' ')
    .map((pair) => pair.split('=')),
) as Record<string, string>;

/**
 * Reads settings as a container does that starts with `command`, with files in place of its secrets.
 * @throws if one is refused
 */
function settingsOf(command: readonly string[], environment: Readonly<Record<string, string>>) {
  const folder = newFolder();
  const unset = command.flatMap((word) => /^--unset=(\w+)$/.exec(word)?.[1] ?? []);
  const all = Object.entries({ ...ofImage, ...environment }).filter(([name]) => !unset.includes(name));
  const values = all.map(([name, value]) => {
    if (!name.startsWith('METAHEAC_') || !name.endsWith('_FILE')) return [name, value];
    const secret = basename(value).replaceAll('-', '_');
    expect(Object.keys(SECRETS)).toContain(secret);
    writeFileSync(join(folder, secret), SECRETS[secret]!);
    return [name, join(folder, secret)];
  });
  expect(command.slice(command.indexOf('node'))).toEqual(ENTRYPOINT);
  return readSettings(Object.fromEntries(values)).values;
}

/** A member of a cluster has no folders of its own but the cache. */
function expectMember(values: ReturnType<typeof settingsOf>, blobs: string): void {
  const { METAHEAC_STORE: store, METAHEAC_DATA_DIR, METAHEAC_MODEL, METAHEAC_POPULATION } = values;
  expect([store, values.METAHEAC_BLOBS]).toEqual([SECRETS['store'], blobs]);
  expect([METAHEAC_DATA_DIR, METAHEAC_MODEL, METAHEAC_POPULATION]).toEqual([undefined, undefined, undefined]);
}

function expectKnown(names: readonly string[]): void {
  for (const name of names) expect([...VARIABLES, ...AWS_VARIABLES]).toContain(name);
}

describe('the manifests of a cluster', () => {
  it('are all named by the kustomization', () => {
    const alone = readdirSync(FOLDER).filter((name) => /job/.test(name));
    expect(readdirSync(FOLDER).sort()).toEqual([...kustomization.resources, ...alone, 'kustomization.yaml'].sort());
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'Deployment metaheac-api',
      'Deployment metaheac-engine',
      'HorizontalPodAutoscaler metaheac-api',
      'Namespace metaheac',
      'PodDisruptionBudget metaheac-api',
      'PodDisruptionBudget metaheac-engine',
      'ScaledObject metaheac-engine',
      'Service metaheac',
      'TriggerAuthentication metaheac-queue',
    ]);
    expect(find('Namespace', 'metaheac').metadata.name).toBe(kustomization.namespace);
  });

  it('select their own pods, whose number the autoscalers set', () => {
    for (const name of members) {
      const { spec } = find('Deployment', name);
      const { labels } = spec.template.metadata;
      expect(spec.selector.matchLabels).toEqual(labels);
      expect(find('PodDisruptionBudget', name).spec.selector.matchLabels).toEqual(labels);
      expect(spec).not.toHaveProperty('replicas');
    }
    expect(find('Service', 'metaheac').spec.selector).toEqual(podOf('metaheac-api').metadata.labels);
    const { scaleTargetRef, minReplicas } = find('HorizontalPodAutoscaler', 'metaheac-api').spec;
    expect(scaleTargetRef).toMatchObject({ kind: 'Deployment', name: 'metaheac-api' });
    // so that the budget permits an eviction
    expect(minReplicas).toBeGreaterThan(find('PodDisruptionBudget', 'metaheac-api').spec.minAvailable);
    const scaled = find('ScaledObject', 'metaheac-engine').spec;
    expect(scaled.scaleTargetRef).toEqual({ name: 'metaheac-engine' });
    for (const { authenticationRef } of scaled.triggers)
      expect(find('TriggerAuthentication', authenticationRef.name)).toBeDefined();
  });

  it('give each container settings that it takes, with secrets as files only', () => {
    const literals = (kustomization.configMapGenerator[0].literals as string[]).map((line) => line.split(/=(.*)/));
    for (const name of members) {
      const { containers, volumes } = podOf(name).spec;
      const [{ env, envFrom, volumeMounts }] = containers;
      expect(envFrom).toEqual([{ configMapRef: { name: kustomization.configMapGenerator[0].name } }]);
      const own = env.map((each: Manifest) => [each.name, each.value]);
      const all = Object.fromEntries([...literals, ...own]) as Record<string, string>;
      expectKnown(Object.keys(all));
      expectMember(settingsOf(containers[0].command, all), 's3://metaheac/production');
      const { secret } = volumes.find((volume: Manifest) => volume.name === 'secrets');
      const { mountPath } = volumeMounts.find((mount: Manifest) => mount.name === 'secrets');
      const paths = secret.items.map(({ path }: Manifest) => `${mountPath}/${path}`);
      const files = Object.entries(all).filter(([variable]) => variable.endsWith('_FILE'));
      expect(files.map(([, path]) => path).sort()).toEqual(paths.sort());
      expect(JSON.stringify(containers)).not.toMatch(/secretKeyRef|:\/\/\w+:\w+@/);
    }
  });

  it('use the port, the user and the folders of the image', () => {
    const port = Number(/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1]);
    const user = Number(/useradd .*--uid (\d+)/.exec(dockerfile)?.[1]);
    const volumes = /^VOLUME (.*)$/m.exec(dockerfile)![1]!.split(' ');
    expect(podOf('metaheac-api').spec.containers[0].ports).toEqual([{ name: 'http', containerPort: port }]);
    expect(podOf('metaheac-engine').spec.containers[0]).not.toHaveProperty('ports');
    for (const name of members) {
      const { securityContext, containers, volumes: own } = podOf(name).spec;
      expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: user, fsGroup: user });
      const [{ volumeMounts, env }] = containers;
      const cache = env.find((each: Manifest) => each.name === 'METAHEAC_CACHE').value;
      const { mountPath } = volumeMounts.find((mount: Manifest) => mount.name === 'cache');
      expect(volumes).toContain(mountPath);
      expect(cache.startsWith(`${mountPath}/`)).toBe(true);
      const names = own.map((volume: Manifest) => volume.name);
      for (const mount of volumeMounts) expect(names).toContain(mount.name);
    }
  });

  it('probe the API: alive by /livez, ready by /readyz', () => {
    const [container] = podOf('metaheac-api').spec.containers;
    const { startupProbe, livenessProbe, readinessProbe } = container;
    const paths = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path);
    expect(paths).toEqual(['/livez', '/livez', '/readyz']);
  });

  it('run without privileges, as the namespace demands', () => {
    expect(find('Namespace', 'metaheac').metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted');
    for (const name of members) {
      expect(podOf(name).spec.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' });
      for (const { securityContext } of podOf(name).spec.containers)
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
    }
  });

  const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
  if (!hasKubectl) process.stderr.write('SKIPPED: kubectl is not installed: the manifests are not merged by it\n');
  it.runIf(hasKubectl)('are merged by kubectl', () => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', FOLDER], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const merged = parseAllDocuments(stdout).map((document) => document.toJS());
    expect(merged.length).toBe(manifests.length + 1);
    const { name } = merged.find(({ kind }) => kind === 'ConfigMap').metadata;
    for (const each of merged.filter(({ kind }) => kind === 'Deployment')) {
      const [{ image, envFrom }] = each.spec.template.spec.containers;
      expect([image, envFrom[0].configMapRef.name]).toEqual(['metaheac:cpu', name]);
    }
  });
});

describe("compose's profile of a cluster", () => {
  it('has two nodes, two engines and what they share, and nothing of it starts without the profile', () => {
    expect(inProfile.map(([name]) => name).sort()).toEqual(
      ['api-1', 'api-2', 'bucket', 'engine-1', 'engine-2', 'postgres', 's3'].sort(),
    );
    for (const [name, { depends_on }] of services.filter((one) => !inProfile.includes(one)))
      expect(JSON.stringify(depends_on ?? []), name).not.toMatch(/postgres|s3|bucket/);
  });

  it('gives each member settings that it takes, and its own cache', () => {
    const caches = inProfile.flatMap(([name, { entrypoint, environment, volumes, secrets }]) => {
      if (!/^(api|engine)-/.test(name)) return [];
      expectKnown(Object.keys(environment));
      const values = settingsOf(entrypoint, environment);
      expectMember(values, 's3://metaheac/compose?endpoint=http://s3:7070');
      for (const [variable, path] of Object.entries<string>(environment))
        if (variable.endsWith('_FILE')) expect(secrets).toContain(path.replace('/run/secrets/', ''));
      expect(values.METAHEAC_CACHE?.startsWith(`${volumes[0].split(':')[1]}/`)).toBe(true);
      return volumes;
    });
    expect(new Set(caches).size).toBe(4);
    for (const volume of caches) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
  });

  it('publishes the nodes only, on different ports of the loopback address', () => {
    const ports = inProfile.flatMap(([, service]) => (service.ports ?? []) as string[]);
    expect(ports).toEqual(['127.0.0.1:8081:8080', '127.0.0.1:8082:8080']);
  });

  it('declares every secret, and names every image by its version', () => {
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
