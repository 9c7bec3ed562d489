/** Writes a ranking folder: sorted, whole or not there at all. */

export function writeRanking(_folder: string, _scores: Float32Array): { candidates: number } {
  throw new Error('to be written');
}
