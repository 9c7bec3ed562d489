/** Grafana's dashboard and Prometheus' alerts ask for series that `/metrics` sends, with labels that these have. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../../architecture/files.ts';
import { importUsers, openFixture } from '../fixture.ts';
import { parseQuery } from './promql.ts';
import { faultsOf as faultsIn, OF_PROMETHEUS, seriesOf } from './series.ts';

const DOCKER = join(ROOT, 'docker');
const population = await importUsers();
const fixture = await openFixture(population);
const id = await fixture.createReady();
await fixture.call('GET', `/v1/campaigns/${id}/audience/members/person-100`);
const sent = seriesOf((await fixture.call('GET', '/metrics')).text);

const faultsOf = (query: string) => faultsIn(query, sent);

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const read = (path: string) => readFileSync(join(DOCKER, path), 'utf8');
const dashboard = JSON.parse(read('grafana/dashboards/metaheac.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const rules = parse(read('prometheus/rules.yml')).groups.flatMap(
  (group: { rules: unknown[] }) => group.rules,
) as readonly { readonly alert: string; readonly expr: string; readonly labels: { readonly severity: string } }[];

describe('the dashboard', () => {
  it('asks for what is sent', () => {
    expect(panels.length).toBeGreaterThan(15);
    for (const { title, targets = [] } of panels) {
      expect(targets.length, title).toBeGreaterThan(0);
      for (const { expr } of targets) expect(faultsOf(expr), title).toEqual([]);
    }
    for (const { query } of dashboard.templating.list) {
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query.query) ?? [];
      expect([sent.has(metric), OF_PROMETHEUS.includes(label)], query.query).toEqual([true, true]);
    }
  });

  it('names labels in its legends that the queries keep', () => {
    for (const { title, targets = [] } of panels)
      for (const { expr, legendFormat } of targets) {
        const { selectors, grouping } = parseQuery(expr.replaceAll('$__rate_interval', '5m'));
        const kept = /\b(sum|topk|histogram_quantile)\b/.test(expr)
          ? grouping
          : [...OF_PROMETHEUS, ...selectors.flatMap(({ metric }) => [...sent.get(metric)!.keys()])];
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(kept, title).toContain(label);
      }
  });

  it('is provisioned with the datasource that its panels use', () => {
    const { datasources } = parse(read('grafana/provisioning/datasources/prometheus.yaml'));
    for (const { title, datasource } of panels) expect(datasource?.uid, title).toBe(datasources[0].uid);
    const { services } = parse(read('compose.yaml'));
    const url = new URL(datasources[0].url);
    expect(Object.keys(services)).toContain(url.hostname);
    expect(services[url.hostname].ports[0]).toMatch(new RegExp(`:${url.port}$`));
    const { providers } = parse(read('grafana/provisioning/dashboards/metaheac.yaml'));
    expect(services.grafana.volumes).toContain(`./grafana/dashboards:${providers[0].options.path}:ro`);
  });
});

describe('the alerts', () => {
  it('ask for what is sent, and say how urgent they are', () => {
    expect(rules.length).toBeGreaterThan(7);
    for (const { alert, expr, labels } of rules) {
      expect(faultsOf(expr), alert).toEqual([]);
      expect(['page', 'ticket'], alert).toContain(labels.severity);
    }
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  if (!hasPromtool)
    process.stderr.write('SKIPPED: promtool is not installed (package prometheus): the alerts are not run by it\n');
  // `.ci/run` installs it
  it.runIf(process.env['CI'] && !hasPromtool)('SKIPPED outside of CI: needs promtool', () => {
    expect(hasPromtool).toBe(true);
  });
  it.runIf(hasPromtool)('are about metrics that promtool takes', async () => {
    const { text } = await fixture.call('GET', '/metrics');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });
  it('are no increase or rate of a gauge', async () => {
    const { text } = await fixture.call('GET', '/metrics');
    const gauges = new Set([...text.matchAll(/^# TYPE (\w+) gauge$/gm)].map(([, name]) => name));
    for (const { alert, expr } of rules)
      for (const [, name] of expr.matchAll(/\b(?:increase|i?rate)\(\s*(\w+)/g))
        expect(gauges.has(name), `${alert} takes an increase of the gauge ${name}`).toBe(false);
  });
  it.runIf(hasPromtool)('are taken by promtool, and fire when they should', () => {
    for (const args of [
      ['check', 'rules', 'rules.yml'],
      ['test', 'rules', 'rules-test.yml'],
      ['check', 'config', '--syntax-only', 'prometheus.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, {
        cwd: join(DOCKER, 'prometheus'),
        encoding: 'utf8',
      });
      expect(status, stdout + stderr).toBe(0);
    }
  });
});

describe('compose.yaml', () => {
  const { services, volumes, secrets } = parse(read('compose.yaml'), { merge: true });

  it('mounts folders that are there and volumes that it declares, and pins images', () => {
    for (const [name, service] of Object.entries<{ image: string; volumes?: string[] }>(services)) {
      for (const volume of service.volumes ?? []) {
        const from = volume.replace(/\$\{\w+:-([^}]*)\}/, '$1').split(':')[0]!;
        if (from.startsWith('.')) expect(existsSync(join(DOCKER, from)), volume).toBe(true);
        else expect(Object.keys(volumes), volume).toContain(from);
      }
      expect(service.image, name).toMatch(/^[\w./-]+:(?!latest)[\w.-]+$/);
    }
  });

  it('limits memory, processes and logs of each service, and publishes on the loopback interface alone', () => {
    for (const [name, service] of Object.entries<Record<string, unknown>>(services)) {
      expect(service, name).toMatchObject({
        mem_limit: expect.any(String),
        pids_limit: expect.any(Number),
        logging: { options: { 'max-size': expect.any(String) } },
        security_opt: ['no-new-privileges:true'],
      });
      for (const port of (service['ports'] ?? []) as string[]) expect(port, name).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('gives Prometheus the target, the key and the rules', () => {
    const { scrape_configs, rule_files } = parse(read('prometheus/prometheus.yml'));
    const [scrape] = scrape_configs;
    expect(scrape.static_configs[0].targets).toEqual(['metaheac:8080']);
    expect(services.metaheac.ports[0]).toMatch(/:8080$/);
    const secret = scrape.authorization.credentials_file.replace('/run/secrets/', '');
    expect(services.prometheus.secrets).toContain(secret);
    expect(secrets[secret].environment).toBe('METAHEAC_API_KEY');
    expect(readdirSync(join(DOCKER, 'prometheus'))).toEqual(expect.arrayContaining(rule_files));
  });
});
