/** The blob names of an expansion: its ranking, and what is kept of it while it is unfinished. */

/** The prefix of every ranking's name. */
export const RANKINGS = 'audiences';

/** The blob folder of an expansion's ranking. */
export function rankingFolder(campaignId: string, expansionId: string): string {
  return `${RANKINGS}/${campaignId}/${expansionId}`;
}

/**
 * The blob folder of what an expansion had finished when the service stopped. Its name begins with the expansion's id,
 * as that of a ranking that is being written: it is nobody's where the expansion has ended.
 */
export function keptWorkFolder(campaignId: string, expansionId: string): string {
  return `${rankingFolder(campaignId, expansionId)}.kept`;
}
