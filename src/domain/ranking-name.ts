/** The blob names of an expansion: its ranking, and its checkpoint while it is unfinished. */

/** The prefix of every ranking's name. */
export const RANKINGS = 'audiences';

/** The blob folder of an expansion's ranking. */
export function rankingFolder(campaignId: string, expansionId: string): string {
  return `${RANKINGS}/${campaignId}/${expansionId}`;
}

/**
 * The blob folder of an expansion's checkpoint. Like the folder of a ranking that is being written, its name begins
 * with the expansion's id; once the expansion has ended, nothing refers to it.
 */
export function checkpointFolder(campaignId: string, expansionId: string): string {
  return `${rankingFolder(campaignId, expansionId)}.kept`;
}
