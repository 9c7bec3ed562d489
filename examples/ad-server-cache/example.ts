// Keeps an ad server's cache of audiences up to date with the change feed.
//
//     node examples/ad-server-cache/example.ts seeds.txt
//
// An ad server answers in a millisecond from its own memory. It reads the feed every few seconds, applies only the
// differences, and stores the cursor with the cache, so it continues there after a restart. The program creates,
// resizes and deletes a campaign itself, to have something to follow.
import { readFileSync } from 'node:fs';
import { ApiError, type Changes, MetaheacClient } from '../../packages/client/index.ts';

type Change = Changes['items'][number];

class Cache {
  readonly members = new Map<string, Set<string>>();
  readonly versions = new Map<string, number>();
  readonly #client: MetaheacClient;
  #cursor: string | undefined;

  constructor(client: MetaheacClient) {
    this.#client = client;
  }

  /** Applies all changes since the last update. */
  async update(): Promise<void> {
    const since = this.#cursor === undefined ? {} : { since: this.#cursor };
    for await (const page of this.#client.changes(since)) {
      for (const change of page.items) {
        if (change.version !== null) await this.#activate(change, change.version);
        else {
          this.members.delete(change.campaign_id);
          this.versions.delete(change.campaign_id);
        }
      }
      this.#cursor = page.next_cursor;
    }
  }

  async #activate({ campaign_id: id, previous_version: previous }: Change, version: number): Promise<void> {
    try {
      const known = this.members.get(id);
      if (known !== undefined && previous !== null && this.versions.get(id) === previous) {
        const path = { id, from: previous, to: version };
        const diff = this.#client.lines('/v1/campaigns/{id}/audiences/{from}/diff/{to}', { params: { path } });
        for await (const { change, user_id } of diff)
          if (change === 'added') known.add(user_id);
          else known.delete(user_id);
      } else {
        const path = { id, version: version };
        const members = new Set<string>();
        const lines = this.#client.lines('/v1/campaigns/{id}/audiences/{version}', { params: { path } });
        for await (const { user_id } of lines) members.add(user_id);
        this.members.set(id, members);
      }
      this.versions.set(id, version);
    } catch (error) {
      // removed since: a later change of the feed replaces or deletes it
      const isGone = error instanceof ApiError && ['audience_not_found', 'campaign_not_found'].includes(error.code);
      if (!isGone) throw error;
    }
  }
}

const [seedsPath = ''] = process.argv.slice(2);
const client = new MetaheacClient({
  url: process.env['METAHEAC_URL']!,
  apiKey: process.env['METAHEAC_API_KEY'],
});
const seeds = readFileSync(seedsPath, 'utf8').trim().split('\n');
const cache = new Cache(client);
await cache.update();
const { data: campaign } = await client.POST('/v1/campaigns', {
  body: { name: 'cached', seeds, audience: { size: 100 } },
});
const { id } = campaign;
const path = { id };
await client.waitUntilReady(id);
await cache.update();
console.log(`created: ${cache.members.get(id)?.size} users in version ${cache.versions.get(id)}`);

await client.PATCH('/v1/campaigns/{id}', { params: { path }, body: { audience: { size: 60 } } });
await cache.update();
console.log(`resized: ${cache.members.get(id)?.size} users in version ${cache.versions.get(id)}`);

const { data: sample } = await client.GET('/v1/populations/current/sample', { params: { query: { size: 100 } } });
const asked = [...(cache.members.get(id) ?? []), ...sample.user_ids];
const { data: answers } = await client.POST('/v1/campaigns/{id}/audience/members/batch', {
  params: { path },
  body: { user_ids: asked },
});
const wrong = answers.items.filter(({ member }, i) => member !== cache.members.get(id)?.has(asked[i]!));
console.log(`looked up: ${asked.length} users, ${wrong.length} of them wrong`);

await client.DELETE('/v1/campaigns/{id}', { params: { path } });
await cache.update();
console.log(`deleted: ${cache.members.get(id)?.size ?? 0} users`);
