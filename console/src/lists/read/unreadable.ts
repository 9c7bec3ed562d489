/** The error for a file that cannot be read. */

/** A file does not conform to its apparent format. The message names the location of the fault. */
export class UnreadableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableError';
  }
}
