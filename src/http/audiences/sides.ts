/** Opens both rankings of a comparison. */
import type { FastifyReply } from 'fastify';
import type { Treated } from '../../domain/hold-out.ts';
import type { Audience } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import type { HeldRanking, Side } from '../../service/ports/rankings.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { StreamSlot } from './stream/stream-slots.ts';
import { checkPopulation, openFound } from './view.ts';

/** One audience of a comparison. */
export interface ComparedAudience {
  /** Finds the audience. Called again if the ranking's files have disappeared. */
  readonly find: () => Promise<Audience>;
  /** The users of the audience to compare. @throws AppError cut_not_found */
  readonly usersOf: (audience: Audience) => Treated;
}

/** The users of an audience to compare, in an open ranking. */
export interface OpenSide extends Side {
  readonly audience: Audience;
}

/** Both sides of a comparison. They stay open until `close`. */
export interface OpenSides {
  readonly from: OpenSide;
  readonly to: OpenSide;
  readonly slot: StreamSlot;
  close(): void;
}

/** Opens both rankings. Their file descriptors and the slot are held until `close`. */
export async function openBoth(
  dependencies: ServerDependencies,
  [first, second]: readonly [ComparedAudience, ComparedAudience],
  slot: StreamSlot,
): Promise<OpenSides> {
  const held: HeldRanking<OpenSide>[] = [];
  const close = () => {
    for (const one of held) one.close();
    slot.release();
  };
  const open = async ({ find, usersOf }: ComparedAudience): Promise<OpenSide> => {
    const findAgain = async () => ({ audience: await find() });
    return openFound(await findAgain(), findAgain, async ({ audience }) => {
      const one = await dependencies.rankings.hold(audience.folder, (ranking) => {
        checkPopulation(dependencies, audience, ranking);
        const { from = 0, size, holdout } = usersOf(audience);
        return { audience, ranking, from, size, holdout };
      });
      held.push(one);
      return one.opened;
    });
  };
  try {
    return { from: await open(first), to: await open(second), slot, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Returns the result of `count`, and closes both sides. The signal aborts the count if the client disconnects or if
 * another client gets the slot.
 */
export async function countSides<T>(
  { raw }: FastifyReply,
  both: OpenSides,
  count: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  raw.once('close', () => ended.abort(new AppError('request_timeout', 'the client disconnected')));
  both.slot.end = (error) => ended.abort(error);
  try {
    return await count(ended.signal);
  } finally {
    both.close();
  }
}
