/** What a judge says, and the programs of judges. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { KEY } from './service.ts';

export interface Verdict {
  /** The judge's name and version. */
  readonly judge: string;
  /** One line for each thing that was judged. */
  readonly lines: readonly string[];
  /** Results that nobody expects. */
  readonly faults: readonly string[];
}

const LIMIT_MS = 60_000;
const LIMIT_BYTES = 16 * 2 ** 20;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of an installed package. `home` is where the program may keep files. */
export async function runTool(module: string, args: readonly string[], home: string): Promise<Ended> {
  const program = [join(import.meta.dirname, 'node_modules', module), ...args];
  const options = { cwd: home, env: { ...process.env, HOME: home }, timeout: LIMIT_MS, maxBuffer: LIMIT_BYTES };
  return new Promise((resolve) => {
    execFile(process.execPath, program, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** What the service answers to the messages that are sent here. */
interface Answered {
  readonly tools: readonly { readonly name: string }[];
  readonly structuredContent: Readonly<Record<string, unknown>>;
}

/** Sends one message to the service. */
export async function askService(agent: string, method: string, params: object): Promise<Answered> {
  const response = await fetch(agent, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result } = (await response.json()) as { readonly result: Answered };
  return result;
}

export async function useTool(agent: string, name: string, args: object) {
  return (await askService(agent, 'tools/call', { name, arguments: args })).structuredContent;
}
