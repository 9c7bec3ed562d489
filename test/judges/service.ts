/** The services that are judged: the demo's model with a few of its people, whose email addresses are known. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { importPopulation } from '../../src/population/import.ts';
import { type StartedService, startService } from '../fixture/start-service.ts';

const MODEL = join(import.meta.dirname, '../../models/demo');
const USERS = 300;

/** The key and the prices of Nova Motors, a fictional buyer in AdCP's storyboards. */
export const KEY = 'demo-nova-motors-v1';
const PRICES = [
  { id: 'po_prism_flat_monthly', cpm: 1, currency: 'USD' },
  { id: 'po_prism_abandoner_cpm', cpm: 2.5, currency: 'USD' },
];

export const USER_IDS = Array.from({ length: USERS }, (_, i) => `person-${String(i + 1).padStart(6, '0')}`);
const emailOf = (userId: string) => `${userId}@example.com`;

/** Users as members of an audience of AdCP. */
export function membersOf(userIds: readonly string[]) {
  return userIds.map((userId) => ({
    external_id: `crm-${userId}`,
    hashed_email: createHash('sha256').update(emailOf(userId)).digest('hex'),
  }));
}

export interface JudgedServices {
  /** Requires a key. Its engine is ready. */
  readonly keyed: StartedService;
  /** Requires no key, as the conformance suite cannot send one. */
  readonly open: StartedService;
}

export async function startServices(folder: string): Promise<JudgedServices> {
  const [source, population, identifiers] = [join(folder, 'data'), join(folder, 'users'), join(folder, 'emails.csv')];
  await generateDataSet({ out: source, users: USERS, trainCampaigns: 1, testCampaigns: 0, seed: '1', labels: false });
  const rows = USER_IDS.map((userId) => `${userId},email,adcp,${emailOf(userId)}`);
  writeFileSync(identifiers, ['user_id,type,rule,value', ...rows, ''].join('\n'));
  const features = readModelFolder(MODEL).manifest.features.user.map(featureOf);
  await importPopulation({ source, features, out: population, identifierFiles: [identifiers] });
  const [keyed, open] = await Promise.all([
    startService({ dataDir: join(folder, 'keyed'), model: MODEL, population, apiKey: KEY, signalPrices: PRICES }),
    startService({ dataDir: join(folder, 'open'), model: MODEL, population }),
  ]);
  await keyed.engineReady;
  return { keyed, open };
}
