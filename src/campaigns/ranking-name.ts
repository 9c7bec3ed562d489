/** What the ranking of an expansion is called among blobs. */

/** Begins the name of every ranking. */
export const RANKINGS = 'audiences';

/** The blob folder of an expansion's ranking. */
export function rankingFolder(campaignId: string, expansionId: string): string {
  return `${RANKINGS}/${campaignId}/${expansionId}`;
}
