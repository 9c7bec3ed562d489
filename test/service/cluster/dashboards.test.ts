/**
 * The alerts and the dashboard of a cluster ask for series that nodes and engines send; what engines' own pages say.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { serveEnginePages } from '../../../src/http/health/engine-server.ts';
import type { EngineHost } from '../../../src/service/cluster/engine-host.ts';
import { ROOT } from '../../architecture/files.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { faultsOf, OF_PROMETHEUS, seriesOf } from '../../http/health/series.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const DOCKER = join(ROOT, 'docker');
const read = (path: string) => readFileSync(join(DOCKER, path), 'utf8');

let cluster: TestCluster;
let engine: EngineHost;
let pages: Awaited<ReturnType<typeof serveEnginePages>>;
const texts = { node: '', engine: '' };

describeWithPostgres('the metrics of a cluster', () => {
  beforeAll(async () => {
    const world = await tinyWorld();
    cluster = await openCluster();
    const node = await cluster.startNode({ model: world.model, population: world.population });
    engine = await cluster.startEngine();
    const ofEngine = { engine: () => engine.engine(), obstacle: () => engine.obstacle() };
    pages = await serveEnginePages({ host: '127.0.0.1', port: 0, metricsKey: null, ...ofEngine });
    texts.node = await (await fetch(`${node.url}/metrics`)).text();
    texts.engine = await (await fetch(`${pages.url}/metrics`)).text();
  });
  afterAll(async () => {
    await pages?.close();
    await cluster?.close();
  });

  it('are those that the alerts and the dashboard ask for', () => {
    const sent = seriesOf(texts.node + texts.engine);
    const { groups } = parse(read('prometheus/cluster-rules.yml'));
    const rules: readonly { alert: string; expr: string; labels: { severity: string } }[] = groups[0].rules;
    expect(rules.length).toBeGreaterThan(3);
    for (const { alert, expr, labels } of rules) {
      expect(faultsOf(expr, sent), alert).toEqual([]);
      expect(['page', 'ticket'], alert).toContain(labels.severity);
    }
    const { panels, templating } = JSON.parse(read('grafana/dashboards/metaheac-cluster.json'));
    expect(panels.length).toBeGreaterThan(5);
    for (const { title, targets } of panels)
      for (const { expr } of targets) expect(faultsOf(expr, sent), title).toEqual([]);
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(templating.list[0].query.query)!;
    for (const text of [texts.node, texts.engine]) expect(seriesOf(text).has(metric)).toBe(true);
    expect(OF_PROMETHEUS).toContain(label);
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  it.runIf(hasPromtool)('are taken by promtool, and the alerts fire when they should', () => {
    for (const args of [
      ['check', 'rules', 'cluster-rules.yml'],
      ['test', 'rules', 'cluster-rules-test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, {
        cwd: join(DOCKER, 'prometheus'),
        encoding: 'utf8',
      });
      expect(status, stdout + stderr).toBe(0);
    }
    for (const input of Object.values(texts)) {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
      expect(status, stdout + stderr).toBe(0);
    }
  });

  it('have an engine only where there is one, which counts its own cache and mirror', () => {
    expect(texts.node).not.toMatch(/^metaheac_engine_ready \d/m);
    expect(texts.node).not.toMatch(/^metaheac_engine_info\{/m);
    expect(texts.engine).toMatch(/^metaheac_engine_ready 1$/m);
    expect(texts.engine).toMatch(/^metaheac_engine_mirror_fetched_files_total \d/m);
    for (const text of Object.values(texts)) expect(text).toMatch(/^metaheac_info\{version="[^"]+"/m);
  });

  it('and the pages say not ready once the engine was told to stop', async () => {
    const readiness = async () => {
      const response = await fetch(`${pages.url}/readyz`);
      return [response.status, await response.json()];
    };
    await vi.waitFor(async () => expect((await readiness())[0]).toBe(200), { timeout: 30_000 });
    await engine.drain();
    expect(await readiness()).toEqual([
      503,
      { status: 'not ready', detail: 'the engine was told to stop: it takes no work' },
    ]);
    expect(await (await fetch(`${pages.url}/metrics`)).text()).toMatch(/^metaheac_engine_ready 0$/m);
  });
});
