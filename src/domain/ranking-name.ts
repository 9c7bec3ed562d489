/** The names of an expansion's blob folders: its ranking, and its checkpoint while the expansion is unfinished. */

/** The prefix of every ranking's name. */
export const RANKINGS = 'audiences';

/** The blob folder of an expansion's ranking. */
export function rankingFolder(campaignId: string, expansionId: string): string {
  return `${RANKINGS}/${campaignId}/${expansionId}`;
}

/**
 * The blob folder of an expansion's checkpoint. Like the folder of a ranking that is being written, its name begins
 * with the expansion's id; once the expansion has ended, nothing refers to the checkpoint.
 */
export function checkpointFolder(campaignId: string, expansionId: string): string {
  return `${rankingFolder(campaignId, expansionId)}.kept`;
}
