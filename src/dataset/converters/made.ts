/** A converter's report about the data set that it wrote. */

export interface MadeDataSet {
  readonly users: number;
  readonly trainCampaigns: number;
  /**
   * Number of test campaigns per group; there is only the group `none` if all test campaigns have the same number of
   * seeds.
   */
  readonly testCampaigns: Readonly<Record<'small' | 'large' | 'none', number>>;
  /** Number of rows in interactions.csv per stage. */
  readonly rows: Readonly<Record<'train' | 'seed' | 'eval', number>>;
  /** Sentences about what was chosen, and what was left out and why. */
  readonly notes: readonly string[];
}

/** Called with a line that describes a converter's progress. */
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
