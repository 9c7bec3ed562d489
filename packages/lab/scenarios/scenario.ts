/** Scenarios, which are generated data sets with known true memberships, and the code that writes them to folders. */

import {
  sampleSeeds,
  testRows,
  trainRows,
  type WrittenCampaign,
  writeDataSet,
} from '../../../src/dataset/data-set-writer.ts';
import type { FeatureKind } from '../../../src/lib/feature-kinds.ts';
import { createRng, type Rng } from '../../../src/lib/rng.ts';

/** A feature as declared in dataset.json. */
interface FeatureDescription {
  readonly name: string;
  readonly kind: FeatureKind;
  readonly max_length?: number;
  readonly size?: number;
}

/** The features of a user or a campaign. null means unknown. */
type Traits = Readonly<Record<string, string | number | readonly string[] | readonly number[] | null>>;

export interface Scenario {
  readonly name: string;
  /** A sentence that describes the users and what makes a user a member. */
  readonly about: string;
  readonly users: number;
  readonly trainCampaigns: number;
  readonly testCampaigns: number;
  /** The number of seeds of a test campaign, by group. At most half of a campaign's members are seeds. */
  readonly seeds: { readonly small: number; readonly large: number };
  readonly userFeatures: readonly FeatureDescription[];
  readonly campaignFeatures: readonly FeatureDescription[];
  plant(rng: Rng, size: Size): Planted;
}

export interface Size {
  readonly users: number;
  /** The campaigns, with train campaigns first. */
  readonly campaigns: number;
}

export interface Planted {
  readonly users: readonly Traits[];
  readonly campaigns: readonly PlantedCampaign[];
}

export interface PlantedCampaign {
  readonly features: Traits;
  /** 1 for each member, `[users]`. */
  readonly isMember: Uint8Array;
}

/** Maximum number of members of a train campaign. */
const TRAIN_MEMBERS = 500;

/**
 * Writes `scenario` to `out` as a data set. Train campaigns have up to 500 members, and ten non-members for each
 * member. Test campaigns alternate between `small` and `large`, and all users who are not seeds are eval rows. Equal
 * random seeds produce equal bytes. A folder that cannot be written causes a storage_failed error.
 */
export async function writeScenario(scenario: Scenario, { out, seed }: { out: string; seed: string }): Promise<void> {
  const { name, about, users, trainCampaigns, testCampaigns } = scenario;
  // the key contains an outdated word, because a different key would generate different data sets
  const rng = createRng(`shape/${name}/${seed}`);
  const planted = scenario.plant(rng.fork('world'), { users, campaigns: trainCampaigns + testCampaigns });
  await writeDataSet(out, {
    users: planted.users.map((traits, user) => ({ user_id: userId(user), ...traits })),
    campaigns: campaignsOf(scenario, planted, rng),
    description: {
      name,
      user_features: scenario.userFeatures,
      campaign_features: scenario.campaignFeatures,
      made: `Synthetic, no real person. ${about}`,
      licence: 'Apache-2.0',
      counts: { users, campaigns_train: trainCampaigns, campaigns_test: testCampaigns },
      rng_seed: seed,
    },
  });
}

function* campaignsOf(scenario: Scenario, { campaigns }: Planted, rng: Rng): Generator<WrittenCampaign> {
  for (const [c, { features, isMember }] of campaigns.entries()) {
    const id = `campaign-${String(c + 1).padStart(3, '0')}`;
    const stream = rng.fork(id);
    const membership = { id, isMember, idOf: userId };
    const record = { campaign_id: id, ...features };
    if (c < scenario.trainCampaigns) {
      yield { record: { ...record, split: 'train' }, rows: trainRows(membership, TRAIN_MEMBERS, stream) };
      continue;
    }
    const group = (c - scenario.trainCampaigns) % 2 === 0 ? 'small' : 'large';
    const seeds = sampleSeeds(isMember, scenario.seeds[group], stream);
    yield { record: { ...record, split: 'test', group }, rows: testRows(membership, seeds) };
  }
}

function userId(user: number): string {
  return `user-${String(user + 1).padStart(5, '0')}`;
}
