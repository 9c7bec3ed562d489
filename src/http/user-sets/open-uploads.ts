/**
 * Uploads in flight: limits their number, tracks their connections, and keeps small ones from waiting for large ones.
 */
import type { Socket } from 'node:net';
import { createQueue, createSlots } from '../plugins/connections/slots.ts';
import type { UserSetLimits } from './limits.ts';

/** The slot of one upload; not taken while little of it has arrived. */
export interface UploadPlace {
  /**
   * To be called when the upload is known not to be small. @throws AppError unavailable (facts: retry_after in seconds)
   */
  becomeLarge(): void;
  /**
   * To be called when all of the upload has arrived: a small upload waits here until it may be applied.
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
      busy: 'small uploads are being applied',
    });
  }

  /** A slot for the upload of a connection, which the caller must release. */
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
   * Whether a large upload is arriving over this connection: it may take longer than other requests, as long as it
   * keeps up the minimum pace.
   */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }
}
