/** A converter's report about the data set that it wrote. */

export interface MadeDataSet {
  readonly users: number;
  readonly trainCampaigns: number;
  /** Test campaigns by group; `none` if all have the same number of seeds. */
  readonly testCampaigns: Readonly<Record<'small' | 'large' | 'none', number>>;
  /** Rows of interactions.csv by stage. */
  readonly rows: Readonly<Record<'train' | 'seed' | 'eval', number>>;
  /** Sentences about what was chosen, and what was left out and why. */
  readonly notes: readonly string[];
}

/** Reports a converter's progress as a line to show. */
export type OnProgress = (line: string) => void;

/** Counts campaigns and rows as they are written. */
export class MadeCounts {
  trainCampaigns = 0;
  readonly testCampaigns = { small: 0, large: 0, none: 0 };
  readonly rows = { train: 0, seed: 0, eval: 0 };

  addCampaign(split: 'train' | 'test', group: 'small' | 'large' | null): void {
    if (split === 'train') this.trainCampaigns++;
    else this.testCampaigns[group ?? 'none']++;
  }
}
