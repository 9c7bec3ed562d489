/** The Kubernetes manifests agree with each other, with docker/Dockerfile and with the code. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { VARIABLES } from '../../src/service/settings/environment.ts';
import { ROOT } from '../architecture/files.ts';

const FOLDER = join(ROOT, 'deploy/kubernetes');
const dockerfile = readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8');
const api = parse(readFileSync(join(ROOT, 'openapi.yaml'), 'utf8'));
const kustomization = parse(readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8'));

// biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
type Manifest = any;

function manifestsOf(name: string): Manifest[] {
  return parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8'), { merge: true }).map((document) =>
    document.toJS(),
  );
}

const manifests = kustomization.resources.flatMap(manifestsOf) as Manifest[];
const find = (kind: string): Manifest => manifests.find((each) => each.kind === kind);
const [job] = manifestsOf('demo-import.yaml');
const set = find('StatefulSet');
const pod = set.spec.template;
const [container] = pod.spec.containers;

describe('the Kubernetes manifests', () => {
  it('are listed in the kustomization, except the job', () => {
    const files = [...kustomization.resources, 'cluster', 'kustomization.yaml', 'demo-import.yaml'];
    expect(readdirSync(FOLDER).sort()).toEqual(files.sort());
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'Namespace',
      'PersistentVolumeClaim',
      'PersistentVolumeClaim',
      'PodDisruptionBudget',
      'Service',
      'StatefulSet',
    ]);
    expect(find('Namespace').metadata.name).toBe(kustomization.namespace);
  });

  it('run one pod, which the service and the budget select', () => {
    expect(set.spec.replicas).toBe(1);
    const { labels } = pod.metadata;
    expect(set.spec.selector.matchLabels).toEqual(labels);
    expect(find('Service').spec.selector).toEqual(labels);
    expect(find('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels);
    expect(set.spec.serviceName).toBe(find('Service').metadata.name);
  });

  it('use the port, the user, the folders and the model of the image', () => {
    const port = Number(/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1]);
    expect(container.ports).toEqual([{ name: 'http', containerPort: port }]);
    expect(find('Service').spec.ports[0].targetPort).toBe('http');
    const user = Number(/useradd .*--uid (\d+)/.exec(dockerfile)?.[1]);
    for (const { spec } of [pod, job.spec.template])
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: user, fsGroup: user });
    const volumes = /^VOLUME (.*)$/m.exec(dockerfile)![1]!.split(' ');
    const mounted = container.volumeMounts.map((mount: Manifest) => mount.mountPath);
    expect(mounted.sort()).toEqual([...volumes, '/tmp'].sort());
    expect(dockerfile).toMatch(/^WORKDIR \/app$/m);
    const { value: model } = container.env.find(({ name }: Manifest) => name === 'METAHEAC_MODEL');
    expect(readdirSync(join(ROOT, model.replace(/^\/app\//, '')))).toContain('manifest.json');
    for (const { name } of container.env) expect(VARIABLES).toContain(name);
  });

  it('mount only claims that exist', () => {
    const claims = manifests
      .filter(({ kind }) => kind === 'PersistentVolumeClaim')
      .map(({ metadata }) => metadata.name);
    for (const { spec } of [pod, job.spec.template]) {
      const volumes = new Set(spec.volumes.map(({ name }: Manifest) => name));
      for (const { volumeMounts } of [...(spec.initContainers ?? []), ...spec.containers])
        for (const { name } of volumeMounts) expect(volumes).toContain(name);
      for (const { persistentVolumeClaim } of spec.volumes)
        if (persistentVolumeClaim) expect(claims).toContain(persistentVolumeClaim.claimName);
    }
  });

  it('probe /livez and /readyz, which exist', () => {
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
    expect(probes.map(({ httpGet }) => httpGet)).toEqual([
      { path: '/livez', port: 'http' },
      { path: '/livez', port: 'http' },
      { path: '/readyz', port: 'http' },
    ]);
    expect(Object.keys(api.paths)).toEqual(expect.arrayContaining(['/livez', '/readyz']));
  });

  it('run without privileges, as the namespace demands', () => {
    expect(find('Namespace').metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted');
    for (const { spec } of [pod, job.spec.template]) {
      expect(spec.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' });
      for (const { securityContext } of [...(spec.initContainers ?? []), ...spec.containers])
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
    expect(merged.length).toBe(manifests.length);
    for (const { kind, metadata } of merged) if (kind !== 'Namespace') expect(metadata.namespace).toBe('metaheac');
    expect(merged.find(({ kind }) => kind === 'StatefulSet').spec.template.spec.containers[0].image).toBe(
      'metaheac:cpu',
    );
  });
});
