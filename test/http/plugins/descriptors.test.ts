/** Connections leave descriptors for the database: half-open sockets use up their share, and work is still stored. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { withinOpenFiles } from '../../../src/service/open-files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { HAS_PROC } from '../../fixture/processes.ts';

const CHILD = fileURLToPath(new URL('../children/serve-with-few-files.ts', import.meta.url));
const OPEN_FILES = 200;
const SOCKETS = 300;

describe('withinOpenFiles', () => {
  const limits = { maximumConnections: 1_000, openRankings: 100, reservedDescriptors: 200 };

  it('changes nothing where there are enough, or where the system does not say', () => {
    expect(withinOpenFiles(limits, 1_400)).toEqual(limits);
    expect(withinOpenFiles(limits, null)).toEqual(limits);
  });

  it('takes connections first, and from rankings at most to a half of what is not reserved', () => {
    expect(withinOpenFiles(limits, 1_024)).toEqual({ ...limits, maximumConnections: 624 });
    expect(withinOpenFiles(limits, 400)).toEqual({ ...limits, openRankings: 50, maximumConnections: 100 });
  });

  it('refuses to serve with too few', () => {
    for (const few of [0, 200, 210])
      expect(() => withinOpenFiles(limits, few)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('says how many would do', () => {
    expect(() => withinOpenFiles(limits, 128)).toThrow(/may open 128 files \(ulimit -n\) and needs at least 214:/);
    expect(withinOpenFiles(limits, 214)).toMatchObject({ openRankings: 3, maximumConnections: 8 });
    expect(() => withinOpenFiles(limits, 213)).toThrow();
  });
});

describe.runIf(HAS_PROC)('many half-open sockets', () => {
  let child: ChildProcess;
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    child.kill('SIGKILL');
  });

  /** A server under the limit; where it listens, and how many connections it takes. */
  async function serve(): Promise<{ port: number; most: number }> {
    const command = `ulimit -n ${OPEN_FILES}; exec "$@"`;
    const node = [process.execPath, CHILD, temporaryFolder()];
    child = spawn('bash', ['-c', command, 'bash', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(child.stdout!.setEncoding('utf8'), 'data');
    const [port = 0, most = 0] = String(line).split(' ').map(Number);
    return { port, most };
  }

  /** Opens sockets that send nothing; resolves when each is open or refused. */
  async function openSockets(port: number): Promise<void> {
    for (let i = 0; i < SOCKETS; i++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
    }
  }
  const held = () => sockets.filter(({ closed }) => !closed).length;

  /** Sends on a connection that is already open; the status, or null if there is none. */
  function post(socket: Socket, port: number): Promise<number | null> {
    return new Promise((resolve) => {
      const call = request({ port, method: 'POST', createConnection: () => socket }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? null));
      });
      call.on('error', () => resolve(null)).end();
    });
  }

  it('leave the descriptors that a commit needs', async () => {
    const { port, most } = await serve();
    expect(most).toBeLessThan(OPEN_FILES - 100);
    const early = connect(port, '127.0.0.1');
    await once(early, 'connect');
    await openSockets(port);
    // connections beyond the maximum are closed as soon as the server handles them
    for (let i = 0; i < 200 && held() > most; i++) await sleep(50);
    expect(held()).toBeLessThanOrEqual(most);
    expect(held()).toBeGreaterThan(most / 2);
    expect(await post(early, port)).toBe(202);
  }, 60_000);
});
