// Refreshes a campaign every night: new opt-outs and customers go in, the newest population is served.
//
//     node examples/nightly-import/example.ts CAMPAIGN customers.txt opt-outs.txt [NIGHT]
//
// CAMPAIGN is your own id of the campaign. Both files have one user id per line. Run the program after `metaheac
// population import` or `update`. If it fails half-way, run it again: in a night (by default today), nothing is created
// twice.
import { openAsBlob } from 'node:fs';
import { ApiError, MetaheacClient } from '../../packages/client/index.ts';

const [externalId = '', customers = '', optOuts = '', night = new Date().toISOString().slice(0, 10)] =
  process.argv.slice(2);
const client = new MetaheacClient({
  url: process.env['METAHEAC_URL']!,
  apiKey: process.env['METAHEAC_API_KEY'],
});
const text = 'text/plain';

// opt-outs first: from here on, no expansion selects them
const suppressed = await client.upload('/v1/suppression/add', await openAsBlob(optOuts), {
  method: 'POST',
  type: text,
});
console.log(`suppressed: ${suppressed.users} users`);

const { data: versions } = await client.GET('/v1/populations');
const newest = versions.items.find((version) => version.newest)!;
if (!newest.served)
  await client.POST('/v1/populations/{version}/activate', { params: { path: { version: newest.version } } });
console.log(`population: ${newest.users} users`);

const id = await findOrCreate();
const seeds = await client.upload('/v1/campaigns/{id}/seeds', await openAsBlob(customers), {
  ...{ method: 'PUT', type: text, path: { id } },
  query: { min_known_percent: '50' },
});
console.log(`seeds: ${seeds.known} known, ${seeds.unknown} unknown`);

const path = { id };
const { data: before } = await client.GET('/v1/campaigns/{id}', { params: { path } });
// the same key all night: a second run finds the expansion of the first
const header = { 'idempotency-key': `${externalId}-${night}` };
await client.POST('/v1/campaigns/{id}/expansions', { params: { path, header } });
const campaign = await client.waitUntilReady(id);
console.log(`audience: ${campaign.size} users`);
const [from, to] = [before.audience_version, campaign.audience_version];
if (from !== null && to !== null && from !== to) {
  const versions = { id, from, to };
  const { data } = await client.GET('/v1/campaigns/{id}/audiences/{from}/diff/{to}', { params: { path: versions } });
  console.log(`difference: ${data.added} added, ${data.removed} removed`);
}

/** The id of the campaign, which is created without seeds in the first night, so nothing is expanded yet. */
async function findOrCreate(): Promise<string> {
  const body = { external_id: externalId, name: 'like our customers', seeds: null, audience: { percent: 5 } };
  try {
    return (await client.POST('/v1/campaigns', { body })).data.id;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'external_id_taken') return String(error.problem['campaign_id']);
    throw error;
  }
}
