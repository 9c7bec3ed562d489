// Delivers an audience to a clean room as hashed e-mail addresses, in a bucket that the clean room reads.
//
//     node examples/clean-room-export/example.ts seeds.txt BUCKET [ENDPOINT]
//
// No user id leaves the service: the files have hashes by the rule of the receiver (here UID2), held-out and suppressed
// users are in none of them, and a manifest with checksums is written last. The service writes with its own
// credentials; the key of this program needs scope `admin`, because it says where users go.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MetaheacClient } from '../../packages/client/index.ts';

const LONGEST_MS = 60_000;

const [seedsPath = '', bucket = '', endpoint = null] = process.argv.slice(2);
const client = new MetaheacClient({
  url: process.env['METAHEAC_URL']!,
  apiKey: process.env['METAHEAC_API_KEY'],
});
// only campaigns with this label are delivered
const labels = { 'clean-room': 'yes' };

const { data: destination } = await client.POST('/v1/destinations', {
  body: {
    ...{ name: 'clean room', kind: 's3', bucket, prefix: 'clean-room', endpoint },
    ...{ format: 'parquet', identifier: 'email:uid2', labels },
  },
});
const place = { params: { path: { id: destination.id } } };
const { data: test } = await client.POST('/v1/destinations/{id}/test', place);
if (!test.ok) throw new Error(`the service cannot write to the bucket: ${test.error}`);
console.log('tested: the bucket can be written');

const seeds = readFileSync(seedsPath, 'utf8').trim().split('\n');
const { data: campaign } = await client.POST('/v1/campaigns', {
  body: { name: 'for the clean room', labels, seeds, audience: { size: 100 } },
});
await client.waitUntilReady(campaign.id);
console.log(`delivered: version ${await deliveredVersion()}`);

// the same hashes by the API; users without an e-mail address are in neither
const { headers, body } = await client.stream('/v1/campaigns/{id}/audience', 'application/x-ndjson', {
  params: { path: { id: campaign.id }, query: { identifier: 'email', rule: 'uid2' } },
});
const text = await new Response(body).text();
const hashes = text.split('\n').filter((line) => line !== '').length;
console.log(`hashes: ${hashes}, users without: ${headers.get('x-without-identifier') ?? 0}`);

await client.DELETE('/v1/destinations/{id}', place);

async function deliveredVersion(): Promise<number | null> {
  for (let waited = 0; waited < LONGEST_MS; waited += 200) {
    const query = { state: 'delivered' as const };
    const { data } = await client.GET('/v1/destinations/{id}/deliveries', { params: { ...place.params, query } });
    const [delivery] = data.items;
    if (delivery !== undefined) return delivery.audience_version;
    await sleep(200);
  }
  throw new Error('nothing was delivered in time: see the log of deliveries');
}
