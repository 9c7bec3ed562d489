/** What a maker tells of the data set that it made. */

export interface MadeDataSet {
  readonly users: number;
  readonly trainCampaigns: number;
  /** Test campaigns by group; `none` where there is one number of seeds for all. */
  readonly testCampaigns: Readonly<Record<'small' | 'large' | 'none', number>>;
  /** Rows of interactions.csv by stage. */
  readonly rows: Readonly<Record<'train' | 'seed' | 'eval', number>>;
  /** What was chosen, what was left out and why: a sentence each. */
  readonly notes: readonly string[];
}

/** Tells how far a maker is, as a line to show. */
export type OnProgress = (line: string) => void;

/** Counts campaigns and rows while they are written. */
export class MadeCounts {
  trainCampaigns = 0;
  readonly testCampaigns = { small: 0, large: 0, none: 0 };
  readonly rows = { train: 0, seed: 0, eval: 0 };

  addCampaign(split: 'train' | 'test', group: 'small' | 'large' | null): void {
    if (split === 'train') this.trainCampaigns++;
    else this.testCampaigns[group ?? 'none']++;
  }
}
