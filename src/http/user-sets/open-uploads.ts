/**
 * Limits the number of uploads in flight, tracks their connections, and keeps small uploads from waiting for large
 * ones.
 */
import type { Socket } from 'node:net';
import { createQueue, createSlots } from '../plugins/connections/slots.ts';
import type { UserSetLimits } from './limits.ts';

/** The slot of an upload. The slot is taken only when the upload is known to be large, or has arrived completely. */
export interface UploadPlace {
  /**
   * Must be called when the upload is known to be large.
   * @throws AppError unavailable (facts: retry_after in seconds)
   */
  becomeLarge(): void;
  /**
   * Must be called when the whole upload has arrived. A small upload waits here until it may be applied.
   * @throws AppError unavailable (facts: retry_after in seconds)
   */
  beforeChange(): Promise<void>;
  release(): void;
}

export class OpenUploads {
  readonly #takeLarge: ReturnType<typeof createSlots>;
  readonly #takeSmall: ReturnType<typeof createQueue>;
  readonly #sockets = new Set<Socket>();

  constructor(config: UserSetLimits) {
    this.#takeLarge = createSlots(config.maximumOpenUploads, 'uploads are in progress');
    this.#takeSmall = createQueue({
      most: config.maximumOpenSmallUploads,
      mostWaiting: config.maximumWaitingUploads,
      waitMs: config.smallUploadWaitMs,
      what: 'small uploads are being applied',
    });
  }

  /** Returns the slot of an upload that arrives over this connection. The caller must release the slot. */
  open(socket: Socket): UploadPlace {
    let release: (() => void) | null = null;
    return {
      becomeLarge: () => {
        release ??= this.#takeLarge();
        this.#sockets.add(socket);
      },
      beforeChange: async () => {
        release ??= await this.#takeSmall();
      },
      release: () => {
        this.#sockets.delete(socket);
        release?.();
      },
    };
  }

  /**
   * Whether a large upload is arriving over this connection. A large upload may take longer than other requests, as
   * long as its rate is at least the minimum.
   */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }
}
