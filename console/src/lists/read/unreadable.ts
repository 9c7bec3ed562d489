/** The error for a file that cannot be read. */

/** The file is not what it seems; the message says where. */
export class UnreadableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableError';
  }
}
