// Replays the `cpu` target of docker/Dockerfile in an empty folder, without Docker, and checks that the result runs.
// Not replayed: system steps (apt-get, useradd), users and volumes. Node is this machine's. COPY copies the files that
// git tracks. `npm ci` only checks the lock file: its packages are hard links to those that this checkout has installed.
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseDockerfile, stagesOf } from './dockerfile.mjs';
import { isInstalled } from './install.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TARGET = 'cpu';
const SYSTEM_STEP = /^(apt-get|useradd)\b/;
const INSTALL_STEP = /\bnpm ci\b/;
const READY_MS = 120_000;
const KEY = 'a key of the replay';
/** Packages that this machine has downloaded before are not downloaded again: the lock file identifies them. */
const OFFLINE_FIRST = { npm_config_prefer_offline: 'true' };

const base = mkdtempSync(join(tmpdir(), 'metaheac-docker-'));
let service = null;
const cleanUp = () => {
  service?.kill('SIGKILL');
  rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
};
process.once('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const stages = stagesOf(parseDockerfile(readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8')));
const tracked = spawnSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .stdout.split('\0')
  .filter(Boolean);
const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
const made = new Map();

/** Runs a stage's steps in its own root folder, after the stages from which it copies. */
function replayStage(name) {
  if (made.has(name)) return made.get(name);
  const { from, steps } = stages.get(name);
  if (stages.has(from))
    throw new Error(
      `stage ${name} is based on another stage, which ${TARGET} does not need and the replay does not support`,
    );
  const image = { root: join(base, name), workdir: '/', env: {}, entrypoint: [], cmd: [], healthcheck: [] };
  mkdirSync(image.root);
  made.set(name, image);
  for (const { name: verb, rest } of steps) {
    if (verb === 'WORKDIR') {
      image.workdir = rest;
      mkdirSync(image.root + rest, { recursive: true });
    } else if (verb === 'ENV') {
      for (const [, key, value] of rest.matchAll(/(\w+)=(\S+)/g)) image.env[key] = value;
    } else if (verb === 'COPY') copy(image, rest);
    else if (verb === 'RUN') run(image, rest);
    else if (verb === 'ENTRYPOINT') image.entrypoint = JSON.parse(rest);
    else if (verb === 'CMD') image.cmd = JSON.parse(rest);
    else if (verb === 'HEALTHCHECK') image.healthcheck = JSON.parse(rest.slice(rest.indexOf('CMD ') + 4));
    else if (['USER', 'VOLUME', 'EXPOSE'].includes(verb)) console.log(`[${name}] not replayed: ${verb} ${rest}`);
    else throw new Error(`${verb} is unknown: add it to scripts/replay-docker.mjs`);
  }
  return image;
}

function copy(image, rest) {
  const words = rest.split(/\s+/);
  const stage = /^--from=(.+)$/.exec(words[0])?.[1];
  if (stage) words.shift();
  const to = words.pop();
  console.log(`COPY ${rest}`);
  for (const from of words) {
    // with a trailing slash or several sources, into the folder; otherwise to that name
    const target = join(image.root, image.workdir, to, to.endsWith('/') ? basename(from) : '');
    if (stage) {
      const source = join(replayStage(stage).root, from);
      if (!link(source, target)) cpSync(source, target, { recursive: true, verbatimSymlinks: true });
      continue;
    }
    if (!ignored.includes(`!${from}`)) throw new Error(`.dockerignore keeps ${from} out of the build's context`);
    const files = tracked.filter((file) => file === from || file.startsWith(`${from}/`));
    if (files.length === 0) throw new Error(`git tracks no ${from}: a clone could not build the image`);
    for (const file of files) {
      const out = target + file.slice(from.length);
      mkdirSync(dirname(out), { recursive: true });
      cpSync(join(ROOT, file), out);
    }
  }
}

function run(image, command) {
  if (SYSTEM_STEP.test(command)) {
    console.log(`not replayed: RUN ${command}`);
    return;
  }
  console.log(`RUN ${command}`);
  const folder = join(image.root, image.workdir);
  const isLinked = INSTALL_STEP.test(command) && isInstalled(ROOT) && linkPackages(join(folder, 'node_modules'));
  const result = spawnSync('sh', ['-ec', isLinked ? `${command} --dry-run` : command], {
    cwd: folder,
    env: environmentOf(image, OFFLINE_FIRST),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0) throw new Error(`RUN ${command} ended with ${result.status ?? result.signal}`);
}

/** Links the packages of this checkout, without the caches of tools. npm rewrites its list of packages in place. */
function linkPackages(to) {
  if (!link(join(ROOT, 'node_modules'), to)) return false;
  const own = readdirSync(to).filter((name) => name.startsWith('.') && name !== '.bin');
  for (const name of own) rmSync(join(to, name), { recursive: true });
  copyFileSync(join(ROOT, 'node_modules/.package-lock.json'), join(to, '.package-lock.json'));
  return true;
}

/** Makes hard links to a file, or to all files of a folder; false if they would be on another file system. */
function link(from, to) {
  if (spawnSync('cp', ['-al', from, to]).status === 0) return true;
  rmSync(to, { recursive: true, force: true });
  return false;
}

/** The image's variables on top of those that any process needs; absolute paths and HOME are inside its root. */
function environmentOf(image, more = {}) {
  const { PATH, HOME } = process.env;
  const inside = Object.entries(image.env).map(([key, value]) => [
    key,
    value.startsWith('/') ? image.root + value : value,
  ]);
  return { PATH, HOME, ...Object.fromEntries(inside), ...more };
}

/** Runs the image's ENTRYPOINT with arguments, to its end. */
function runImage(image, args, more = {}) {
  const [command, ...rest] = [...image.entrypoint, ...args];
  const cwd = join(image.root, image.workdir);
  return spawnSync(command, rest, { cwd, env: environmentOf(image, more), encoding: 'utf8', timeout: READY_MS });
}

function expectSuccess(what, result) {
  if (result.status !== 0) throw new Error(`${what} ended with ${result.status}: ${result.stdout}${result.stderr}`);
  console.log(`ok: ${what}`);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(what, probe) {
  const end = Date.now() + READY_MS;
  for (;;) {
    const value = await probe().catch(() => null);
    if (value) return value;
    if (service.exitCode !== null) throw new Error(`the service ended with ${service.exitCode} before ${what}`);
    if (Date.now() > end) throw new Error(`${what}: not within ${READY_MS} ms`);
    await delay(200);
  }
}

const image = replayStage(TARGET);
const app = join(image.root, image.workdir);
for (const absent of ['src', 'packages', 'test', 'node_modules/typescript', 'node_modules/vitest'])
  if (existsSync(join(app, absent))) throw new Error(`${absent} is in the image`);
const kib = Number(spawnSync('du', ['-sk', app], { encoding: 'utf8' }).stdout.split('\t')[0]);
console.log(
  `ok: sources, tests and development's packages are not in the image; ${Math.round(kib / 1024)} MiB in ${image.workdir}`,
);
if (!statSync(join(app, 'dist/src/cli/main.js')).isFile()) throw new Error('no entry point');

const model = join(app, 'models/demo');
const data = join(image.root, 'data');
const count = ['--users', '2000', '--train-campaigns', '1', '--test-campaigns', '1'];
expectSuccess('dataset generate', runImage(image, ['dataset', 'generate', '--out', data, ...count]));
const population = join(image.root, 'population');
expectSuccess(
  'population import',
  runImage(image, ['population', 'import', '--data', data, '--model', model, '--out', population]),
);

const refusal = runImage(image, image.cmd, { METAHEAC_MODEL: model });
if (refusal.status === 0 || !/METAHEAC_API_KEY/.test(refusal.stderr))
  throw new Error(`without a key the service must refuse ${image.env.METAHEAC_HOST}: ${refusal.stderr}`);
console.log(`ok: ${image.env.METAHEAC_HOST} without METAHEAC_API_KEY is refused`);

const port = String(await freePort());
// the loopback interface instead of 0.0.0.0: a replay opens no port to the network
const settings = {
  METAHEAC_MODEL: model,
  METAHEAC_HOST: '127.0.0.1',
  METAHEAC_PORT: port,
  METAHEAC_API_KEY: KEY,
  METAHEAC_LOG_LEVEL: 'warn',
};
const [command, ...args] = [...image.entrypoint, ...image.cmd];
const started = performance.now();
service = spawn(command, args, {
  cwd: app,
  env: environmentOf(image, settings),
  stdio: ['ignore', 'inherit', 'inherit'],
});
const ended = new Promise((resolve) => service.once('exit', (code, signal) => resolve(code ?? signal)));
const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
const url = `http://127.0.0.1:${port}`;
await until('/readyz', async () => (await fetch(`${url}/readyz`)).ok);
console.log(`ok: /readyz, ${((performance.now() - started) / 1000).toFixed(1)} s after the start`);
const health = spawnSync(image.healthcheck[0], image.healthcheck.slice(1), {
  cwd: app,
  env: environmentOf(image, settings),
});
expectSuccess('HEALTHCHECK', health);

const seeds = readFileSync(join(data, 'interactions.csv'), 'utf8')
  .split('\n')
  .map((line) => line.split(','))
  .filter(([, , , stage]) => stage === 'seed')
  .map(([, user]) => user);
const body = JSON.stringify({ name: 'replay', features: {}, seeds, audience: { size: 5 } });
const posted = await fetch(`${url}/v1/campaigns`, { method: 'POST', headers, body });
if (posted.status !== 202) throw new Error(`POST /v1/campaigns: ${posted.status} ${await posted.text()}`);
const { id } = await posted.json();
const campaign = await until('the audience', async () => {
  const answer = await (await fetch(`${url}/v1/campaigns/${id}`, { headers })).json();
  return ['queued', 'adapting', 'scoring'].includes(answer.state) ? null : answer;
});
if (campaign.state !== 'ready')
  throw new Error(`the campaign ended as ${campaign.state}: ${JSON.stringify(campaign.reason)}`);
const { items } = await (await fetch(`${url}/v1/campaigns/${id}/audience`, { headers })).json();
if (items.length !== 5) throw new Error(`${items.length} users in an audience of 5`);
console.log(`ok: a campaign of ${seeds.length} seeds, ranked by the engine of dist/`);

service.kill('SIGTERM');
const code = await Promise.race([ended, delay(15_000, 'no end within 15 s')]);
if (code !== 0) throw new Error(`SIGTERM: ${code}`);
service = null;
console.log('ok: SIGTERM ends it with 0\nthe cpu target works');
