/** The names of an expansion's blob folders: its ranking, and its checkpoint while the expansion is unfinished. */

/** The prefix of every ranking's name. */
export const RANKINGS = 'audiences';

/** The blob folder of an expansion's ranking. */
export function rankingFolder(campaignId: string, expansionId: string): string {
  return `${RANKINGS}/${campaignId}/${expansionId}`;
}

/**
 * The blob folder of a ranking that the owner of one claim merges from parts. An owner that lost its claim may still be
 * writing, so each claim (`token`) has its own folder.
 */
export function mergedFolder(campaignId: string, expansionId: string, token: number): string {
  return `${rankingFolder(campaignId, expansionId)}.${token}`;
}

/**
 * The blob folder of an expansion's checkpoint. Like the folder of a ranking that is being written, its name begins
 * with the expansion's id; once the expansion has ended, nothing refers to the checkpoint.
 */
export function checkpointFolder(campaignId: string, expansionId: string): string {
  return `${rankingFolder(campaignId, expansionId)}.kept`;
}
