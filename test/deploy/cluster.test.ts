/** The manifests of a cluster agree with each other, with the image and with the code. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { DEFAULT_LIMITS } from '../../src/service/limits.ts';
import { readSettings } from '../../src/service/settings/environment.ts';
import { ROOT } from '../architecture/files.ts';
import { useFolders } from '../fixture/folders.ts';
import { dockerfile, expectCommand, expectKnown, expectMember, settingsOf } from './member.ts';

const FOLDER = join(ROOT, 'deploy/kubernetes/cluster');
const newFolder = useFolders();
const kustomization = parse(readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8'));

// biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
type Manifest = any;

const manifests = kustomization.resources.flatMap((name: string) =>
  parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8'), { merge: true }).map((document) => document.toJS()),
) as Manifest[];

const find = (kind: string, name: string): Manifest =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name);
const job = parse(readFileSync(join(FOLDER, 'pass-job.yaml'), 'utf8'));
const podOf = (name: string): Manifest => (name === 'pass' ? job : find('Deployment', name)).spec.template;
const deployed = ['metaheac-api', 'metaheac-engine'] as const;
const members = [...deployed, 'pass'] as const;
/** Variables of the job's own script. */
const OF_SCRIPT = ['CAMPAIGN', 'API', 'API_KEY_FILE', 'PAUSE_MS'];

describe('the manifests of a cluster', () => {
  it('are listed in the kustomization, except the job', () => {
    const files = [...kustomization.resources, 'kustomization.yaml', 'pass-job.yaml'];
    expect(readdirSync(FOLDER).sort()).toEqual(files.sort());
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

  it('select their own pods and leave the number of replicas to the autoscalers', () => {
    for (const name of deployed) {
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

  it('give each container known settings, and secrets only as files', () => {
    const literals = (kustomization.configMapGenerator[0].literals as string[]).map((line) => line.split(/=(.*)/));
    for (const name of members) {
      const { containers, volumes } = podOf(name).spec;
      const [{ env, envFrom, volumeMounts }] = containers;
      const own = env.map((each: Manifest) => [each.name, each.value]);
      const all = Object.fromEntries([...(name === 'pass' ? [] : literals), ...own]) as Record<string, string>;
      // the map's generated name is only known within the kustomization
      if (name === 'pass') expect(envFrom).toBeUndefined();
      else expect(envFrom).toEqual([{ configMapRef: { name: kustomization.configMapGenerator[0].name } }]);
      expectKnown(Object.keys(all).filter((variable) => name !== 'pass' || !OF_SCRIPT.includes(variable)));
      expectMember(settingsOf(containers[0].command, all, newFolder()), 's3://metaheac/production');
      const { secret } = volumes.find((volume: Manifest) => volume.name === 'secrets');
      const { mountPath } = volumeMounts.find((mount: Manifest) => mount.name === 'secrets');
      const paths = secret.items.map(({ path }: Manifest) => `${mountPath}/${path}`);
      const files = Object.entries(all).filter(([variable]) => variable.endsWith('_FILE'));
      expect(files.map(([, path]) => path).sort()).toEqual(paths.sort());
      if (name !== 'pass') expectCommand(containers[0].args);
      expect(JSON.stringify(containers)).not.toMatch(/secretKeyRef|:\/\/\w+:\w+@/);
    }
  });

  it('use the port, the user and the folders of the image', () => {
    const port = Number(/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1]);
    const user = Number(/useradd .*--uid (\d+)/.exec(dockerfile)?.[1]);
    const volumes = /^VOLUME (.*)$/m.exec(dockerfile)![1]!.split(' ');
    for (const name of deployed)
      expect(podOf(name).spec.containers[0].ports).toEqual([{ name: 'http', containerPort: port }]);
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

  it('limit caches to the size of the volume, with room for tables', () => {
    for (const name of members) {
      const [{ env }] = podOf(name).spec.containers;
      const own = env.map((each: Manifest) => [each.name, each.value]);
      const given = Object.entries<string>(Object.fromEntries(own)).filter(([variable]) => /_BYTES$/.test(variable));
      const { blobCacheBytes, mirrorBytes } = readSettings(Object.fromEntries(given)).values.limits;
      const { emptyDir } = podOf(name).spec.volumes.find((volume: Manifest) => volume.name === 'cache');
      const volumeBytes = Number(/^(\d+)Gi$/.exec(emptyDir.sizeLimit)![1]) * 2 ** 30;
      // a tenth of the volume, which is evicted with its pod if it becomes larger
      expect(blobCacheBytes + mirrorBytes).toBeLessThanOrEqual(0.9 * volumeBytes);
    }
  });

  it('allow a longer shutdown than an engine needs', () => {
    for (const name of ['metaheac-engine', 'pass'])
      expect(podOf(name).spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(2 * DEFAULT_LIMITS.engineDrainMs);
  });

  it.each(deployed)('probe %s by /livez and /readyz', (name) => {
    const [{ startupProbe, livenessProbe, readinessProbe }] = podOf(name).spec.containers;
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

describe('the job of one pass', () => {
  const [{ command, args }] = podOf('pass').spec.containers;

  it('runs one engine for each index, with its own attempts', () => {
    const { completionMode, completions, parallelism, backoffLimitPerIndex } = job.spec;
    expect([completionMode, completions, backoffLimitPerIndex > 0]).toEqual(['Indexed', parallelism, true]);
  });

  it.each([
    ['ready', 200],
    ['failed', 200],
    ['gone', 404],
  ])('ends its engine once the campaign is %s', async (last, status) => {
    const folder = newFolder();
    mkdirSync(join(folder, 'dist/src/cli'), { recursive: true });
    // in place of the build: says what it was asked, and ends with SIGTERM as an engine does
    const program =
      "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 99); console.log(process.argv[2])";
    writeFileSync(join(folder, 'dist/src/cli/main.js'), program);
    writeFileSync(join(folder, 'key'), 'a-key\n');
    const states = ['queued', 'adapting', 'scoring', 'scoring', last];
    const asked: unknown[] = [];
    let said = '';
    const api = createServer(({ url, headers }, response) => {
      // a slow machine starts the engine late
      const state = said === '' ? 'queued' : states[asked.push(`${url} ${headers.authorization}`) - 1];
      response.statusCode = state === last ? status : 200;
      response.end(JSON.stringify({ state }));
    }).listen(0, '127.0.0.1');
    await once(api, 'listening');
    const address = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const env = { API: address, API_KEY_FILE: join(folder, 'key'), CAMPAIGN: 'c1', PAUSE_MS: '20' };
    const child = spawn(process.execPath, [...command.slice(command.indexOf('node') + 1), ...args], {
      cwd: folder,
      env,
    });
    child.stdout.on('data', (data) => {
      said += data;
    });
    const [code] = await once(child, 'close');
    api.close();
    expect([code, said, asked.length]).toEqual([0, 'engine\n', states.length]);
    expect(asked[0]).toBe('/v1/campaigns/c1 Bearer a-key');
  });
});
