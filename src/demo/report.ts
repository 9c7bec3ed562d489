/** The demo's output: the campaign, the top of its audience, the results, and how to continue. */

import { grouped } from '../lib/text/counted.ts';
import { alignColumns } from '../lib/text/tables.ts';
import type { CampaignHistory } from '../training/history/history.ts';
import type { AudienceMember, CampaignAnswer } from './api-client.ts';
import type { Found } from './comparison.ts';

const INDENT = '  ';
const CELL_WIDTH = 40;
/** Number of seed ids in the printed command that creates a campaign. */
const PASTED_SEEDS = 12;

/** For example `category tents | season winter | topics hiking, camping`. */
export function describeFeatures(features: CampaignHistory['features']): string {
  return Object.entries(features)
    .map(([name, value]) => printable(`${name} ${[value].flat().join(', ')}`))
    .join(' | ');
}

/** Text with the seconds that each stage took, as reported by the API. */
export function describeTimings(timings: CampaignAnswer['timings']): string {
  return Object.entries(timings)
    .map(([stage, seconds]) => `${stage} ${seconds.toFixed(2)} s`)
    .join(', ');
}

/** A table with one row per member: rank, id, score, whether the member likes the campaign, and traits. */
export function tableOfMembers(
  members: readonly AudienceMember[],
  likes: readonly string[],
  features: readonly string[],
  traits: readonly (readonly string[])[],
): string[] {
  const rows = [
    ['rank', 'user_id', 'score', 'likes it', ...features],
    ...members.map(({ rank, user_id, score }, i) => [
      String(rank),
      user_id,
      score.toFixed(4),
      likes[i]!,
      ...traits[i]!,
    ]),
  ];
  return indented(
    alignColumns(
      rows.map((row) => row.map((cell) => cutText(printable(cell)))),
      `rlrl${'l'.repeat(features.length)}`,
    ),
  );
}

/** A table with one row per method: recall and lift at each size. */
export function tableOfFound(
  methods: readonly { readonly name: string; readonly found: readonly Found[] }[],
  population: number,
): string[] {
  const sizes = methods[0]!.found.map(({ size }) => size);
  const rows = [
    [
      'best',
      ...sizes.map((size) => `${grouped(size)} (${((100 * size) / population).toPrecision(2).replace(/\.0$/, '')} %)`),
    ],
    ...methods.map(({ name, found }) => [
      name,
      ...found.map(
        ({ recall, lift }) =>
          `${(100 * recall).toFixed(1).padStart(5)} %  x${(Number.isNaN(lift) ? '-' : formatFactor(lift)).padStart(4)}`,
      ),
    ]),
  ];
  return indented(alignColumns(rows, `l${'r'.repeat(sizes.length)}`));
}

/** A sentence that says which method finds more hidden members, and whether chance could explain the difference. */
export function verdict(size: number, { difference, chance }: { difference: number; chance: number }): string {
  const ahead = difference >= 0 ? 'MetaHeac' : 'logistic regression';
  const behind = difference >= 0 ? 'logistic regression' : 'MetaHeac';
  const gap = Math.abs(difference);
  const within = `(chance alone explains up to ${Math.round(chance)})`;
  return gap <= chance
    ? `Among the best ${grouped(size)}, MetaHeac and logistic regression are level: ${grouped(gap)} ` +
        `apart ${within}.`
    : `Among the best ${grouped(size)}, ${ahead} finds ${grouped(gap)} more than ${behind} ${within}.`;
}

/** Shell commands that the user can paste into a terminal. */
export function curlCommands(
  url: string,
  id: string,
  campaign: { readonly features: CampaignHistory['features']; readonly seeds: readonly string[] },
  member: string,
): string[] {
  const body = {
    name: 'my campaign',
    features: campaign.features,
    seeds: campaign.seeds.slice(0, PASTED_SEEDS),
    audience: { size: 100 },
  };
  const at = `${url}/v1/campaigns`;
  return [
    `curl -s ${quoted(`${at}/${id}`)}`,
    `curl -s ${quoted(`${at}/${id}/audience?limit=3`)}`,
    `curl -s ${quoted(`${at}/${id}/audience/members/${encodeURIComponent(member)}`)}`,
    `curl -s -H 'accept: text/csv' ${quoted(`${at}/${id}/audience`)} > audience.csv`,
    `curl -s -H 'content-type: application/json' ${quoted(at)} -d ${quoted(JSON.stringify(body))}`,
  ];
}

export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => INDENT + line);
}

/** Quotes text as one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Replaces control characters, because foreign data may contain terminal control sequences. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}

const FACTOR = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Formats a factor with one digit after the point, rounded as in the console: 3.65 becomes `3.7`. */
export function formatFactor(factor: number): string {
  return FACTOR.format(factor);
}

/** Shortens a text; the result ends with two dots. */
function cutText(text: string): string {
  return text.length <= CELL_WIDTH ? text : `${text.slice(0, CELL_WIDTH - 2)}..`;
}
