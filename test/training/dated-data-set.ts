/** A small data set with dates and planted drift: early members are keener than later ones. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRng, sample } from '../../src/lib/rng.ts';

export const DATED = { users: 480, train: 20, test: 12, members: 60, seeds: 20 } as const;

const TOPICS = 6;
const DAY_MS = 86_400_000;

/**
 * A user likes one of six topics, which their tags tell. Nine in ten of a campaign's first half of members like its
 * topic, of the second half `later`, and the rest are anybody; members join a day after another. Without `dates` the
 * file has no times, and test campaigns are the same.
 */
export function writeDatedDataSet(folder: string, { later, dates }: { later: number; dates: boolean }): string {
  mkdirSync(folder, { recursive: true });
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  const rng = createRng('dated data set');
  const { users, train, test, members, seeds } = DATED;
  const tags = { name: 'tags', kind: 'multi', max_length: 8 };
  write('dataset.json', JSON.stringify({ name: 'dated', user_features: [tags], campaign_features: [] }));
  const all = Int32Array.from({ length: users }, (_, user) => user);
  const lines = Array.from(all, (user) => {
    const own = Array.from({ length: 4 }, () => `topic ${user % TOPICS} ${rng.integer(8)}`);
    return JSON.stringify({ user_id: `u${user}`, tags: [...new Set(own), `any ${rng.integer(20)}`] });
  });
  write('users.ndjson', `${lines.join('\n')}\n`);
  const ids = Array.from({ length: train + test }, (_, c) => `c${c}`);
  write(
    'campaigns.ndjson',
    ids.map((id, c) => `${JSON.stringify({ campaign_id: id, split: c < train ? 'train' : 'test' })}\n`).join(''),
  );
  const rows = ids.flatMap((id, c) => {
    const fans = sample(
      rng,
      all.filter((user) => user % TOPICS === c % TOPICS),
      users,
    );
    const anybody = sample(
      rng,
      all.filter((user) => user % TOPICS !== c % TOPICS),
      users,
    );
    let [fan, other] = [0, 0];
    const joined = Array.from({ length: members }, (_, place) =>
      rng.uniform() < (place < members / 2 ? 0.9 : later) ? fans[fan++]! : anybody[other++]!,
    );
    const timeOf = (place: number) => new Date(Date.UTC(2026, 0, 1) + (5 * c + place) * DAY_MS).toISOString();
    const isMember = new Set(joined);
    const rest = Array.from(all).filter((user) => !isMember.has(user));
    const row = (user: number, label: number, stage: string, time: string) =>
      `${id},u${user},${label},${stage}${dates ? `,${time}` : ''}\n`;
    return [
      ...joined.map((user, place) =>
        row(user, 1, c < train ? 'train' : place < seeds ? 'seed' : 'eval', timeOf(place)),
      ),
      ...rest.map((user) => row(user, 0, c < train ? 'train' : 'eval', '')),
    ];
  });
  write('interactions.csv', `campaign_id,user_id,label,stage${dates ? ',time' : ''}\n${rows.join('')}`);
  return folder;
}
