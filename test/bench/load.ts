/** HTTP load from a separate process, and a bare Fastify server that gives the same answers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Figure, figure, interleave, ratio } from './report.ts';
import type { BenchService } from './service.ts';

export const CONNECTIONS = 16;

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

interface Load {
  readonly perSecond: number;
  readonly p50: number;
  /** Milliseconds. */
  readonly p99: number;
  /** Microseconds of processor time per request, of the first thread of the process `pid`. */
  readonly processorUs: number;
}

export interface Report {
  readonly results: Record<string, Figure>;
  readonly ratios: Record<string, number>;
}

/** Compares requests/s of each kind with those of a bare route that gives the first answer with the same headers. */
export async function raceBare(
  service: BenchService,
  kinds: Readonly<Record<string, readonly Request[]>>,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  report: Report,
): Promise<void> {
  const bare = await startBare(await answersOf(service, kinds));
  try {
    for (const [kind, requests] of Object.entries(kinds)) {
      const own = { seconds, connections: CONNECTIONS };
      const sameOnBare = requests.map((one) => ({ ...one, path: `/${kind}` }));
      const { ours, theirs } = await interleave(rounds, {
        ours: async () => (await load(service.port, requests, own)).perSecond,
        theirs: async () => (await load(bare.port, sameOnBare, own)).perSecond,
      });
      report.results[kind] = figure(ours, 'requests/s');
      report.results[`${kind}, bare Fastify`] = figure(theirs, 'requests/s');
      report.ratios[`${kind}_vs_bare_fastify`] = ratio(ours, theirs);
    }
  } finally {
    bare.stop();
  }
}

export async function load(
  port: number,
  requests: readonly Request[],
  { seconds, ...options }: { seconds: number; connections: number; perSecond?: number },
): Promise<Load> {
  const [only] = await loadInTurns({ ...options, port, sets: { all: requests }, turns: [{ set: 'all', seconds }] });
  return only!;
}

/** Sends sets of requests in turns, from one process. */
export async function loadInTurns(task: {
  readonly port: number;
  readonly pid?: number;
  readonly connections: number;
  readonly perSecond?: number;
  readonly sets: Readonly<Record<string, readonly Request[]>>;
  readonly turns: readonly { readonly set: string; readonly seconds: number }[];
}): Promise<Load[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'load.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(task));
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error('the load ended with an error');
  return JSON.parse(text);
}

/** Headers that every server adds by itself, or that belong to one connection. */
const OWN_HEADERS = ['connection', 'keep-alive', 'date', 'content-length'];

/** The first answer of each kind with its headers, for the bare route to return. */
async function answersOf(service: BenchService, kinds: Readonly<Record<string, readonly Request[]>>) {
  const answers: Record<string, { readonly headers: object; readonly body: unknown }> = {};
  for (const [kind, [first]] of Object.entries(kinds)) {
    const { method, path, body } = first!;
    const { headers, json } = await service.call(method, path, body === undefined ? undefined : JSON.parse(body));
    const own = Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name));
    answers[`/${kind}`] = { headers: Object.fromEntries(own), body: json };
  }
  return answers;
}

async function startBare(answers: Record<string, unknown>): Promise<{ port: number; stop: () => void }> {
  const script = join(import.meta.dirname, 'bare-fastify.mjs');
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(answers));
  const [line] = await once(child.stdout, 'data');
  return { port: Number(String(line)), stop: () => child.kill() };
}
