/** The Python client, and its example that needs ONNX Runtime, against a running service. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fewDemoPeople } from '../fixture/demo-world.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { findPython, runPython } from '../fixture/python.ts';
import { type StartedService, startReadyService } from '../fixture/start-service.ts';

const API_KEY = 'a key that only this test has';
const PYTHON = findPython([]);
const PYTHON_WITH_ONNX = findPython(['numpy', 'onnxruntime']);
const IS_CI = Boolean(process.env['CI']);

let service: StartedService;
let folder: string;
let model: string;
beforeAll(async () => {
  folder = temporaryFolder();
  const people = await fewDemoPeople(folder);
  model = people.model;
  const webhookAllowedHosts = ['127.0.0.1'];
  service = await startReadyService({
    dataDir: join(folder, 'service'),
    ...people,
    apiKey: API_KEY,
    webhookAllowedHosts,
  });
  return () => service.close();
});

const environment = () => ({ METAHEAC_URL: service.url, METAHEAC_API_KEY: API_KEY });

describe('the Python client', () => {
  it.skipIf(PYTHON === null && !IS_CI)('passes its own tests', { timeout: 60_000 }, async () => {
    const { stderr } = await runPython(
      PYTHON!,
      ['-m', 'unittest', 'discover', 'packages/client-python/tests'],
      environment(),
    );
    expect(stderr).toMatch(/Ran 8 tests in .*\n\nOK/);
  });

  it.skipIf(PYTHON_WITH_ONNX === null && !IS_CI)('gets a model that scores users as the service does', async () => {
    const users = readFileSync(join(folder, 'data/users.ndjson'), 'utf8').split('\n');
    const campaign = {
      name: 'scored elsewhere',
      features: { category: 'guitar', topics: ['guitar'] },
      seeds: users.slice(0, 40).map((line) => JSON.parse(line).user_id),
      audience: { percent: 100 },
    };
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    const created = await fetch(`${service.url}/v1/campaigns`, {
      method: 'POST',
      headers,
      body: JSON.stringify(campaign),
    });
    const { id } = (await created.json()) as { id: string };
    const { stdout } = await runPython(
      PYTHON_WITH_ONNX!,
      ['examples/batch-scoring/example.py', id, join(folder, 'data/users.ndjson'), join(model, 'vocabulary')],
      environment(),
    );
    expect(stdout.split('\n')).toEqual([
      'scored 300 users with model 5f756f3b3706',
      'compared 260 members of audience version 1',
      'equal scores: True',
      'equal order: True',
      '',
    ]);
  });
});
