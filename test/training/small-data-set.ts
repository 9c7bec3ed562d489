/** A small data set by hand, and settings that train a small model in a second. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRng } from '../../src/lib/rng.ts';
import { DEFAULT_ADAPTATION } from '../../src/model/manifest.ts';
import { PUBLISHED_TRAIN_SETTINGS, type TrainSettings } from '../../src/training/settings.ts';

export interface SmallCampaign {
  readonly id: string;
  readonly split: 'train' | 'test';
  readonly group?: 'small' | 'large';
  /** Rows of a train campaign, or eval rows of a test one. */
  readonly rows: number;
  /** Train members, or seeds. */
  readonly members: number;
}

export const USERS = 90;

/**
 * Users who like sport (every third), music (every third) or neither: campaigns are about one of the two, and tags show
 * it unless told otherwise.
 */
export function writeSmallDataSet(
  folder: string,
  campaigns: readonly SmallCampaign[],
  options: { campaignFeatures?: boolean; tagged?: boolean } = {},
): string {
  const hasFeatures = options.campaignFeatures ?? true;
  mkdirSync(folder, { recursive: true });
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write(
    'dataset.json',
    JSON.stringify({
      name: 'small',
      user_features: [
        { name: 'age', kind: 'single' },
        { name: 'tags', kind: 'multi', max_length: 4 },
      ],
      campaign_features: hasFeatures
        ? [
            { name: 'topic', kind: 'single' },
            { name: 'words', kind: 'multi', max_length: 3 },
          ]
        : [],
    }),
  );
  const rng = createRng('small data set');
  const users = Array.from({ length: USERS }, (_, i) => ({
    user_id: `u${i}`,
    age: `age ${rng.integer(3)}`,
    tags: [...(i % 3 === 2 || options.tagged === false ? [] : [`likes ${i % 3}`]), `noise ${rng.integer(5)}`],
  }));
  write('users.ndjson', users.map((user) => `${JSON.stringify(user)}\n`).join(''));
  write(
    'campaigns.ndjson',
    campaigns
      .map(({ id, split, group }, c) => {
        const features = hasFeatures ? { topic: `topic ${c % 2}`, words: [`word ${c % 3}`, '', 'common'] } : {};
        return `${JSON.stringify({ campaign_id: id, split, ...(group ? { group } : {}), ...features })}\n`;
      })
      .join(''),
  );
  write('interactions.csv', `campaign_id,user_id,label,stage\n${campaigns.flatMap(rowsOf).join('')}`);
  return folder;
}

function rowsOf({ id, split, rows, members }: SmallCampaign, c: number): string[] {
  const users = Array.from({ length: USERS }, (_, i) => i);
  const fans = users.filter((i) => i % 3 === c % 2);
  const others = users.filter((i) => i % 3 !== c % 2);
  if (split === 'train') {
    const shown = [...fans.slice(0, members), ...others.slice(0, rows - members)];
    return shown.map((i) => `${id},u${i},${i % 3 === c % 2 ? 1 : 0},train\n`);
  }
  const measured = [...fans.slice(members), ...others].slice(0, rows);
  return [
    ...fans.slice(0, members).map((i) => `${id},u${i},1,seed\n`),
    ...measured.map((i) => `${id},u${i},${i % 3 === c % 2 ? 1 : 0},eval\n`),
  ];
}

export const SMALL_SETTINGS: TrainSettings = {
  ...PUBLISHED_TRAIN_SETTINGS,
  name: 'small',
  taskCount: 2,
  experts: 2,
  critics: 2,
  batchSize: 8,
  embedding: 4,
  outerRate: 0.01,
  steps: 6,
  validationEvery: 2,
  patience: 100,
  adaptation: {
    ...DEFAULT_ADAPTATION,
    rate: 0.01,
    epochs: 2,
    negatives_per_seed: 2,
    early_stopping: { held_out_share: 0.2, minimum_held_out: 3 },
  },
};

/** Six train campaigns, one of 20 rows among them, and test campaigns of both groups. */
export const CAMPAIGNS: readonly SmallCampaign[] = [
  { id: 'c0', split: 'train', rows: 60, members: 20 },
  { id: 'c1', split: 'train', rows: 60, members: 20 },
  { id: 'c2', split: 'train', rows: 20, members: 6 },
  { id: 'c3', split: 'train', rows: 60, members: 15 },
  { id: 'c4', split: 'train', rows: 50, members: 15 },
  { id: 'c5', split: 'train', rows: 50, members: 15 },
  { id: 't0', split: 'test', group: 'small', rows: 70, members: 10 },
  { id: 't1', split: 'test', group: 'large', rows: 70, members: 18 },
];
