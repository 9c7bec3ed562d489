/** Connections to Postgres: settings, time limits, and how values are read. */
import pg from 'pg';
import readPasswordFile from 'pgpass';
import { readJsonText, readText } from './statement.ts';

/** Maximum number of connections of a process, besides the one that listens. */
const POOL_SIZE = 10;
/** Maximum time to open a connection, or to wait for a free one. */
const CONNECT_MS = 5_000;
/** How long a connection stays open without work. */
const IDLE_MS = 60_000;
/** Maximum time of a statement, enforced by the server. */
const STATEMENT_MS = 30_000;
/**
 * Maximum time that a client waits for an answer, in case the server is unreachable. Longer than the server's own
 * limit.
 */
const ANSWER_MS = 35_000;
/** Maximum time that a statement waits for a lock. */
const LOCK_MS = 10_000;
/**
 * The server ends a transaction after this time without a statement, because its process was suspended or is
 * unreachable.
 */
const IDLE_TRANSACTION_MS = 10_000;

const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [pg.types.builtins.INT8]: Number,
  [pg.types.builtins.NUMERIC]: Number,
  [pg.types.builtins.TEXT]: readText,
  [pg.types.builtins.VARCHAR]: readText,
  [pg.types.builtins.JSON]: readJsonText,
  [pg.types.builtins.JSONB]: readJsonText,
};

const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && PARSERS[oid]) || pg.types.getTypeParser(oid, format as 'text')) as never,
};

/**
 * The connection settings for `url`. Whatever the URL omits is read from the environment, as in all Postgres programs:
 * PGPASSWORD, PGPASSFILE, PGSSLMODE, PGSSLROOTCERT and so on.
 */
function settingsOf(url: string): pg.ClientConfig {
  return {
    connectionString: withRootCertificate(url, process.env),
    application_name: 'metaheac',
    ...{ connectionTimeoutMillis: CONNECT_MS, keepAlive: true, types },
  };
}

/** The driver reads the file in the URL's `sslrootcert`, but not the file in PGSSLROOTCERT. */
function withRootCertificate(url: string, { PGSSLMODE, PGSSLROOTCERT: file }: NodeJS.ProcessEnv): string {
  const [, mode = PGSSLMODE] = /[?&]sslmode=([^&]*)/.exec(url) ?? [];
  // `system` stands for the authorities that the system trusts, which are the default
  const isWanted = file !== undefined && file !== '' && file !== 'system' && mode?.startsWith('verify-');
  if (!isWanted || /[?&]sslrootcert=/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}sslrootcert=${encodeURIComponent(file)}`;
}

/**
 * A connection that reads the password file itself. The driver's own code for this is deprecated and prints a warning.
 */
class Client extends pg.Client {
  constructor(settings?: string | pg.ClientConfig) {
    super(settings);
    // the driver calls it with the host, port, database and user, if no password is given elsewhere
    if (!this.password) this.password = readPassword as never;
  }
}

function readPassword(target: Parameters<typeof readPasswordFile>[0]): Promise<string | undefined> {
  return new Promise((found) => readPasswordFile(target, found));
}

/** A pool of connections for statements and transactions. */
export function connectPool(url: string, size: number = POOL_SIZE): pg.Pool {
  const pool = new pg.Pool({
    ...{ ...settingsOf(url), Client },
    ...{ max: size, idleTimeoutMillis: IDLE_MS, allowExitOnIdle: true },
    ...{ statement_timeout: STATEMENT_MS, query_timeout: ANSWER_MS, lock_timeout: LOCK_MS },
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
  });
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

/**
 * A single connection without limits on the time of statements, which the caller connects and ends. The server lists
 * connections by their names.
 */
export function newClient(url: string, name?: string): pg.Client {
  const client = new Client({ ...settingsOf(url), ...(name !== undefined && { application_name: name }) });
  client.on('error', ignore);
  return client;
}

/** A connection that ends between two statements: the next statement fails, or uses another connection. */
function ignore(): void {}
