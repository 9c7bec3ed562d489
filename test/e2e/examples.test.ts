/**
 * The examples against a running service, and the tests of the Python client. An example that is written in several
 * languages prints the same lines in each.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { fewDemoPeople } from '../fixture/demo-world.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { findPython, runPython } from '../fixture/python.ts';
import { s3Client, startOwnS3, stubCredentials, type TestS3 } from '../fixture/s3.ts';
import { ROOT } from '../fixture/served.ts';
import { type StartedService, startReadyService } from '../fixture/start-service.ts';

const API_KEY = 'a key that only this test has';
const PYTHON = findPython([]);
const PYTHON_WITH_ONNX = findPython(['numpy', 'onnxruntime']);
const IS_CI = Boolean(process.env['CI']);

let service: StartedService;
let s3: TestS3;
let folder: string;
let model: string;
beforeAll(async () => {
  folder = temporaryFolder();
  s3 = await startOwnS3();
  stubCredentials(s3);
  // three in four have an e-mail address
  const emails = Array.from({ length: 300 }, (_, i) => `${userOf(i)},email,uid2,person.${i}@example.com\n`);
  writeFileSync(inFolder('identifiers.csv'), `user_id,type,rule,value\n${emails.filter((_, i) => i % 4).join('')}`);
  const people = await fewDemoPeople(folder, 300, { identifierFiles: [inFolder('identifiers.csv')] });
  model = people.model;
  const users = Array.from({ length: 300 }, (_, i) => `${userOf(i)}\n`);
  writeFileSync(inFolder('seeds.txt'), users.slice(0, 40).join(''));
  writeFileSync(inFolder('customers.txt'), users.slice(20, 50).join(''));
  writeFileSync(inFolder('opt-outs.txt'), users.slice(-2).join(''));
  const webhookAllowedHosts = ['127.0.0.1'];
  service = await startReadyService({ dataDir: inFolder('service'), ...people, apiKey: API_KEY, webhookAllowedHosts });
  return async () => {
    await service.close();
    vi.unstubAllEnvs();
    await s3.close();
  };
});

const inFolder = (name: string) => join(folder, name);
const userOf = (i: number) => `person-${String(i + 1).padStart(6, '0')}`;
const environment = () => ({ METAHEAC_URL: service.url, METAHEAC_API_KEY: API_KEY });

/** The arguments of each example, and the lines that it prints. */
const EXAMPLES: Record<string, { args: (language: string) => readonly (readonly string[])[]; lines: RegExp }> = {
  'nightly-import': {
    args: (language) => [
      [`nightly-${language}`, inFolder('seeds.txt'), inFolder('opt-outs.txt'), '2026-12-01'],
      [`nightly-${language}`, inFolder('customers.txt'), inFolder('opt-outs.txt'), '2026-12-02'],
    ],
    lines: lines(
      'suppressed: 2 users\npopulation: 300 users\nseeds: 40 known, 0 unknown\naudience: 15 users',
      'suppressed: 2 users\npopulation: 300 users\nseeds: 30 known, 0 unknown\naudience: 15 users',
      'difference: \\d+ added, \\d+ removed',
    ),
  },
  'campaign-lift': {
    args: () => [[inFolder('seeds.txt'), inFolder('data/users.ndjson')]],
    lines: lines(
      'audience: 120 users\nreached: \\d+ users\nconversions: \\d+ recorded',
      'treated: \\d+ of \\d+ converted\nheld out: \\d+ of \\d+ converted',
      'effect: -?\\d+\\.\\d points\ninterval: -?\\d+\\.\\d to -?\\d+\\.\\d points',
    ),
  },
  'ad-server-cache': {
    args: () => [[inFolder('seeds.txt')]],
    lines: lines(
      'created: 100 users in version 1\nresized: 60 users in version 2',
      'looked up: 160 users, 0 of them wrong\ndeleted: 0 users',
    ),
  },
  'clean-room-export': {
    args: () => [[inFolder('seeds.txt'), s3.bucket, s3.endpoint]],
    lines: lines('tested: the bucket can be written\ndelivered: version 1\nhashes: 7\\d, users without: 2\\d'),
  },
};

function lines(...text: readonly string[]): RegExp {
  return new RegExp(`^${text.join('\n')}\n$`);
}

// concurrent: while one waits for its audience, another can start its program
describe.concurrent.each(Object.entries(EXAMPLES))('the example %s', (name, { args, lines }) => {
  const path = `examples/${name}/example`;

  it.skipIf(PYTHON === null && !IS_CI)('prints what it should in Python', async () => {
    let printed = '';
    for (const given of args('python'))
      printed += (await runPython(PYTHON!, [`${path}.py`, ...given], environment())).stdout;
    expect(printed).toMatch(lines);
  });

  it.runIf(existsSync(join(ROOT, `${path}.ts`)))('prints what it should in TypeScript', async () => {
    const options = { cwd: ROOT, env: { ...process.env, ...environment() } };
    let printed = '';
    for (const given of args('typescript'))
      printed += (await promisify(execFile)(process.execPath, [`${path}.ts`, ...given], options)).stdout;
    expect(printed).toMatch(lines);
  });
});

describe('the bucket of the example clean-room-export', () => {
  it.skipIf(PYTHON === null && !IS_CI)('has hashes of the users who have an e-mail address', async () => {
    const client = s3Client(s3);
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
    const key = Contents.map(({ Key }) => Key!).find((path) => path.endsWith('/1/_manifest.json'));
    expect(key).toMatch(/^clean-room\//);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: key! }));
    const manifest = JSON.parse(await Body!.transformToString());
    expect(manifest.identifier).toBe('email:uid2');
    expect(manifest.files[0].rows + manifest.without_identifier).toBe(100);
  });
});

describe.concurrent('the example batch-scoring', () => {
  it.skipIf(PYTHON_WITH_ONNX === null && !IS_CI)('scores users as the service does', async () => {
    const campaign = {
      name: 'scored elsewhere',
      features: { category: 'guitar', topics: ['guitar'] },
      seeds: readFileSync(inFolder('seeds.txt'), 'utf8').trim().split('\n'),
      audience: { percent: 100 },
    };
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    const body = JSON.stringify(campaign);
    const created = await fetch(`${service.url}/v1/campaigns`, { method: 'POST', headers, body });
    const { id } = (await created.json()) as { id: string };
    const args = [id, inFolder('data/users.ndjson'), join(model, 'vocabulary')];
    const { stdout } = await runPython(
      PYTHON_WITH_ONNX!,
      ['examples/batch-scoring/example.py', ...args],
      environment(),
    );
    expect(stdout).toMatch(/^scored: 300 users\nequal to the service: scores and order of 2\d\d users, version 1\n$/);
  });
});

describe.concurrent('the Python client', () => {
  it.skipIf(PYTHON === null && !IS_CI)('passes its own tests', { timeout: 60_000 }, async () => {
    const args = ['-m', 'unittest', 'discover', 'packages/client-python/tests'];
    const { stderr } = await runPython(PYTHON!, args, environment());
    expect(stderr).toMatch(/Ran 8 tests in .*\n\nOK/);
  });
});
