// Measures what a campaign causes: holds out a fifth of the audience, reports conversions, reads the lift.
//
//     node examples/campaign-lift/example.ts seeds.txt users.ndjson
//
// `users.ndjson` has an object with a `user_id` per line. The conversions here are made up: one user in ten buys, and
// one in 23 of those who were reached. Yours come from the shop, for all users, whether or not they were reached.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MetaheacClient } from '../../packages/client/index.ts';

const BATCH = 10_000;

const [seedsPath = '', usersPath = ''] = process.argv.slice(2);
const client = new MetaheacClient({
  url: process.env['METAHEAC_URL']!,
  apiKey: process.env['METAHEAC_API_KEY'],
});
const seeds = readFileSync(seedsPath, 'utf8').trim().split('\n');
const users = readFileSync(usersPath, 'utf8').trim().split('\n');

const body = { name: 'with a hold-out', seeds, audience: { percent: 40 }, holdout_percent: 20 };
const { data: created } = await client.POST('/v1/campaigns', { body });
const campaign = await client.waitUntilReady(created.id);
const path = { id: created.id };

// held-out users are in no export, so the ad server cannot reach them
const reached = new Set<string>();
for await (const { user_id } of client.lines('/v1/campaigns/{id}/audience', { params: { path } })) reached.add(user_id);
console.log(`audience: ${campaign.size} users`);
console.log(`reached: ${reached.size} users`);

await sleep(1_000); // only conversions after the version was created count
const time = new Date().toISOString();
const conversions = users
  .map((line, i) => ({ user_id: JSON.parse(line).user_id as string, number: i + 1 }))
  .filter(({ user_id, number }) => number % 10 === 0 || (reached.has(user_id) && number % 23 === 0))
  .map(({ user_id, number }) => ({ user_id, time, value: 20 + (number % 30) }));
let recorded = 0;
for (let from = 0; from < conversions.length; from += BATCH) {
  const batch = { conversions: conversions.slice(from, from + BATCH) };
  recorded += (await client.POST('/v1/campaigns/{id}/conversions', { params: { path }, body: batch })).data.recorded;
}
console.log(`conversions: ${recorded} recorded`);

const { data: lift } = await client.GET('/v1/campaigns/{id}/lift', { params: { path } });
const { treated, held_out: heldOut } = lift.arms;
console.log(`treated: ${treated.converted} of ${treated.users} converted`);
console.log(`held out: ${heldOut.converted} of ${heldOut.users} converted`);
const { estimate, always_valid: interval } = lift.conversion.absolute;
const points = (share: number) => (100 * share).toFixed(1);
console.log(`effect: ${points(estimate)} points`);
if (interval) console.log(`interval: ${points(interval.low)} to ${points(interval.high)} points`);
