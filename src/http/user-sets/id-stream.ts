/** Streams user ids as text or NDJSON. */
import type { Readable } from 'node:stream';
import { type NDJSON_TYPE, TEXT_TYPE } from '../../lib/media-types.ts';
import { type StreamLimits, streamChunks } from '../audiences/stream/stream.ts';
import type { StreamSlot } from '../audiences/stream/stream-slots.ts';
import type { Turn } from '../audiences/stream/stream-turns.ts';

/**
 * Streams ids while they are being found, as fast as the client reads. Errors in the first block are thrown, because an
 * error response is still possible at that point.
 */
export function streamIds(
  type: typeof NDJSON_TYPE | typeof TEXT_TYPE,
  blocks: Generator<readonly string[], void, void>,
  limits: StreamLimits,
  turn: Turn,
  slot: StreamSlot,
): Readable {
  const format = type === TEXT_TYPE ? formatText : formatNdjson;
  const first = blocks.next();
  async function* chunks(): AsyncGenerator<string, void, void> {
    for (let block = first; !block.done; block = blocks.next()) {
      const text = format(block.value);
      if (text !== '') yield text;
      await turn();
    }
  }
  return streamChunks(chunks(), { gzip: false, limits, slot }, () => {
    blocks.return();
    slot.release();
  });
}

function formatText(userIds: readonly string[]): string {
  let text = '';
  for (const userId of userIds) if (!/[\r\n]/.test(userId)) text += `${userId}\n`;
  return text;
}

function formatNdjson(userIds: readonly string[]): string {
  let text = '';
  for (const userId of userIds) text += `{"user_id":${JSON.stringify(userId)}}\n`;
  return text;
}
