/** A TransformerEncoder of PyTorch reaches `ready`, and a model that no expansion could use is refused at the start. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { modelImportCommand } from '../../src/cli/commands/model/import.ts';
import { populationImportCommand } from '../../src/cli/commands/population/import.ts';
import { isEnd } from '../../src/domain/states.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logging.ts';
import type { Output } from '../../src/lib/output.ts';
import { createRng } from '../../src/lib/rng.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { type RunningServer, startService } from '../fixture/start-service.ts';

const ENCODER = join(import.meta.dirname, '../golden/attention/encoder-ka-last-gelu-opset20.onnx');
const FEATURES = {
  user: [
    { name: 'age', kind: 'single', vocabulary_size: 7 },
    { name: 'hist', kind: 'multi', max_length: 5, vocabulary_size: 23 },
  ],
  campaign: [{ name: 'category', kind: 'single', vocabulary_size: 12 }],
};
const USERS = 1500;

async function serve(dataDir: string, model: string, population: string): Promise<RunningServer> {
  const service = await startService({
    ...{ dataDir, model, population, host: '127.0.0.1', port: 0, apiKey: null, device: 'cpu', threads: 1 },
    ...{ logLevel: 'silent', limits: { maximumAttempts: 2, openRankings: 4 }, webhookAllowedHosts: [] },
    ...{ logger: createLogger('silent', 'test'), clock: systemClock },
  });
  await service.engineReady;
  return service;
}

it('a TransformerEncoder is imported, expands a campaign and is given away', { timeout: 120_000 }, async () => {
  const lines: string[] = [];
  const output: Output = { result: (line) => lines.push(line), note: (line) => lines.push(line), progress: () => {} };
  const folder = temporaryFolder();
  const [schema, model, data, population] = ['schema.json', 'model', 'data', 'population'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  writeFileSync(schema, JSON.stringify({ features: FEATURES, adaptation: { rate: 0.02 } }));
  await modelImportCommand(ENCODER, { schema, out: model }, output);
  expect(lines.find((line) => line.startsWith('test expansion of '))).toMatch(
    /^test expansion of 1100 made-up users with 50 seeds passed \(scores of the ONNX file differ by at most \de-\d+\)$/,
  );

  const rng = createRng('attention');
  mkdirSync(data);
  writeFileSync(
    join(data, 'dataset.json'),
    JSON.stringify({ name: 'made', user_features: FEATURES.user, campaign_features: FEATURES.campaign }),
  );
  const users = Array.from({ length: USERS }, (_, i) => ({
    user_id: `u${i}`,
    age: String(1 + (i % 6)),
    // those of age 3 share a habit; some have nothing at all
    hist: Array.from({ length: rng.integer(7) }, () => String(i % 6 === 2 ? 1 + rng.integer(3) : 4 + rng.integer(18))),
  }));
  writeFileSync(join(data, 'users.ndjson'), users.map((user) => `${JSON.stringify(user)}\n`).join(''));
  await populationImportCommand({ data, model, out: population }, output);

  const service = await serve(join(folder, 'data-dir'), model, population);
  try {
    const seeds = users.filter((_, i) => i % 6 === 2).slice(0, 100);
    const created = await fetch(`${service.url}/v1/campaigns`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ name: 'attention', features: { category: '5' }, audience: { percent: 100 } },
        seeds: seeds.map(({ user_id }) => user_id),
      }),
    });
    expect(created.status).toBe(202);
    const { id } = (await created.json()) as { id: string };
    const campaign = async () =>
      (await (await fetch(`${service.url}/v1/campaigns/${id}`)).json()) as {
        readonly state: 'ready';
        readonly quality: { readonly held_out: { readonly auc: number } };
      };
    while (!isEnd((await campaign()).state)) await sleep(50);
    const { state, quality } = await campaign();
    expect(state).toBe('ready');
    expect(quality.held_out.auc).toBeGreaterThan(0.9);
    const file = await fetch(`${service.url}/v1/campaigns/${id}/model`);
    expect([file.status, (await file.arrayBuffer()).byteLength > 10_000]).toEqual([200, true]);
  } finally {
    await service.close();
  }
});
