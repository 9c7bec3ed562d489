/** Encrypted connections to Postgres: with a certificate that a given authority has signed, and with others. */
import { chmodSync, chownSync, copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../src/demo/postgres-server.ts';
import { PostgresDatabase } from '../../../src/storage/postgres/database/database.ts';
import { type Certificate, HAS_OPENSSL, makeCertificate, needsOpenssl } from '../../fixture/certificates.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';

const folder = temporaryFolder();
needsOpenssl('TLS to Postgres');

let server: PostgresServer;
let own: Certificate;
const opened: PostgresDatabase[] = [];

/** Whether the connection is encrypted. */
async function isEncrypted(parameters = ''): Promise<boolean> {
  const url = new URL(`${server.url}/postgres`);
  url.hostname = 'localhost';
  const database = new PostgresDatabase(`${url.href}${parameters}`);
  opened.push(database);
  const row = await database.get<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  return row!.ssl;
}

describeWithPostgres('TLS', () => {
  beforeAll(async () => {
    if (!HAS_OPENSSL) return;
    server = await startPostgres();
    own = makeCertificate(folder, 'own', 'localhost');
    const client = new pg.Client({ connectionString: `${server.url}/postgres` });
    await client.connect();
    try {
      const { data_directory: data } = (await client.query('SHOW data_directory')).rows[0];
      // as root, the server runs as another user, to whom they must belong
      const { uid, gid } = statSync(data);
      for (const [name, path] of [
        ['server.key', own.key],
        ['server.crt', own.certificate],
      ] as const) {
        copyFileSync(path, join(data, name));
        chmodSync(join(data, name), 0o600);
        if (process.getuid?.() === 0) chownSync(join(data, name), uid, gid);
      }
      await client.query('ALTER SYSTEM SET ssl = on');
      await client.query('SELECT pg_reload_conf()');
    } finally {
      await client.end();
    }
    await vi.waitFor(async () => expect(await isEncrypted('?sslmode=no-verify')).toBe(true), { timeout: 10_000 });
  }, 60_000);
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const database of opened.splice(0)) await database.close();
  });
  afterAll(() => server?.close());

  it.skipIf(!HAS_OPENSSL)('verifies the server with the certificate of PGSSLROOTCERT or of the URL', async () => {
    vi.stubEnv('PGSSLMODE', 'verify-full');
    vi.stubEnv('PGSSLROOTCERT', own.certificate);
    expect(await isEncrypted()).toBe(true);
    vi.stubEnv('PGSSLMODE', undefined);
    expect(await isEncrypted('?sslmode=verify-full')).toBe(true);
    vi.stubEnv('PGSSLROOTCERT', undefined);
    expect(await isEncrypted(`?sslmode=verify-full&sslrootcert=${own.certificate}`)).toBe(true);
  });

  it.skipIf(!HAS_OPENSSL)(
    'refuses a server whose certificate nobody has signed whom it trusts, without repeating the password',
    async () => {
      vi.stubEnv('PGSSLMODE', 'verify-full');
      const { password } = new URL(server.url);
      for (const file of [undefined, makeCertificate(folder, 'other', 'localhost').certificate]) {
        vi.stubEnv('PGSSLROOTCERT', file);
        const error = await isEncrypted().catch((reason) => reason);
        expect(error).toMatchObject({ code: expect.stringMatching(/^(unavailable|storage_failed)$/) });
        expect(error.message).toMatch(/certificate/);
        expect(String(error.stack) + String(error.cause)).not.toContain(password);
      }
    },
  );

  it.skipIf(!HAS_OPENSSL)('is not used if the mode is disable', async () => {
    vi.stubEnv('PGSSLMODE', 'disable');
    vi.stubEnv('PGSSLROOTCERT', own.certificate);
    expect(await isEncrypted()).toBe(false);
  });
});
