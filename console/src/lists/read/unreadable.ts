/** The error for a file that cannot be read. */

/** The file is not in the format that it seems to have; the message says where. */
export class UnreadableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableError';
  }
}
