/** The thread that encodes the blocks of all streams. It keeps the incomplete part of each stream. */
import { getPriority, setPriority } from 'node:os';
import { hostThread } from '../../lib/threads/thread-host.ts';
import { findThreadId } from '../../lib/threads/thread-times.ts';
import { type BlockEncoder, createEncoder, type Encoding, type RowBlock } from './block-encoding.ts';

/**
 * A step in encoding the stream with the number `stream`. The first step creates the encoder of the stream; `end` and
 * `drop` remove the encoder.
 */
export type EncodeTask = { readonly stream: number } & (
  | { readonly step: 'add'; readonly encoding: Encoding; readonly block: RowBlock }
  | { readonly step: 'end'; readonly encoding: Encoding }
  | { readonly step: 'drop' }
);

const encoders = new Map<number, BlockEncoder>();

function encoderOf(stream: number, encoding: Encoding): BlockEncoder {
  const known = encoders.get(stream);
  if (known !== undefined) return known;
  const made = createEncoder(encoding);
  encoders.set(stream, made);
  return made;
}

function run(task: EncodeTask): Uint8Array {
  if (task.step === 'add') return encoderOf(task.stream, task.encoding).add(task.block);
  const bytes = task.step === 'end' ? encoderOf(task.stream, task.encoding).end() : new Uint8Array(0);
  encoders.delete(task.stream);
  return bytes;
}

// Linux sets priorities per thread, so look-ups take precedence over exports, and exports take precedence over the
// engine (nice value 10)
const thread = findThreadId();
if (thread !== null) setPriority(thread, Math.min(getPriority(thread) + 5, 19));

await hostThread(() => ({
  run,
  transferred: ({ buffer }: Uint8Array) => [buffer as ArrayBuffer],
  close() {},
}));
