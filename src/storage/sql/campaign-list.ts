/** Lists campaigns: filters, sort orders and cursors. Each order has an index, so no page needs a sort. */

import type { CampaignQuery, CampaignSort } from '../../domain/campaign-query.ts';
import { decodePlace, encodeCursor, invalidCursor } from '../../domain/cursors.ts';
import type { CampaignPage } from '../../domain/pages.ts';
import type { Campaign } from '../../domain/types.ts';
import { CAMPAIGN_COLUMNS, type CampaignRow } from './campaign-columns.ts';
import {
  type CampaignReferences,
  latestOf,
  referencesOf,
  SELECT_CAMPAIGN,
  SELECT_EXPANDED,
  withRemaining,
} from './campaign-rows.ts';
import { boundsOf, pageOf, readRow } from './columns.ts';
import { toJson } from './json.ts';
import { remainingTimes } from './remaining-time.ts';
import type { Bound, Sql } from './sql.ts';

type ListedRow = CampaignReferences & Pick<CampaignRow, 'name' | 'createdAt' | 'updatedAt' | 'state'>;

export async function listCampaigns(sql: Sql, query: CampaignQuery): Promise<CampaignPage> {
  const { sort, limit } = query;
  const rows = sort === undefined ? await readNewest(sql, query) : await readSorted(sql, query, sort);
  const cursorOf = sort && ((row: ListedRow) => encodeCursor('campaigns', `${row.number}.${keyOf(row, sort)}`, sort));
  const remaining = await remainingTimes(sql, latestOf(rows));
  const toItem = (row: ListedRow) => withRemaining(readRow(CAMPAIGN_COLUMNS, row), remaining);
  return pageOf(sql, 'campaigns', rows, limit, referencesOf, toItem, cursorOf);
}

/** The campaigns with one of these ids or external ids. Damaged campaigns are omitted. */
export async function findCampaigns(
  sql: Sql,
  { ids, externalIds }: { readonly ids: readonly string[]; readonly externalIds: readonly string[] },
): Promise<readonly Campaign[]> {
  const { isAnyOf } = sql.dialect;
  const rows = await sql.all<CampaignReferences>(
    `${SELECT_CAMPAIGN} AND (c.id ${isAnyOf('ids', 'text')} OR c.external_id ${isAnyOf('externalIds', 'text')})`,
    { ids, externalIds },
  );
  const remaining = await remainingTimes(sql, latestOf(rows));
  const toItem = (row: CampaignReferences) => withRemaining(readRow(CAMPAIGN_COLUMNS, row), remaining);
  return (await pageOf(sql, 'campaigns', rows, rows.length, referencesOf, toItem)).items;
}

function readNewest(sql: Sql, query: CampaignQuery): Promise<ListedRow[]> {
  return sql.all(
    `${SELECT_CAMPAIGN} AND c.number < @before ${filterOf(sql, query)} ORDER BY c.number DESC LIMIT @most`,
    {
      ...boundsOf('campaigns', query),
      ...filterValues(query),
    },
  );
}

/** The indexed expressions that rows are sorted by. */
interface Order {
  readonly select: string;
  readonly key: string;
  readonly number: string;
}

const BY_NAME = { select: SELECT_CAMPAIGN, key: 'lower(c.name)', number: 'c.number' };
const BY_CREATION = { select: SELECT_CAMPAIGN, key: 'c.created_at', number: 'c.number' };
const BY_STATE = { select: SELECT_EXPANDED, key: 'e.state', number: 'e.campaign' };
const BY_CHANGE = { select: SELECT_CAMPAIGN, key: 'c.updated_at', number: 'c.number' };
const BY_EXPANSION = { select: SELECT_EXPANDED, key: 'e.updated_at', number: 'e.campaign' };
const UPDATED = CAMPAIGN_COLUMNS.updatedAt.sql;
/** The key of campaigns that were never expanded. It sorts after all states. */
const NEVER = '~';

async function readSorted(sql: Sql, query: CampaignQuery, sort: CampaignSort): Promise<ListedRow[]> {
  const most = query.limit + 1;
  const after = query.cursor === undefined ? null : placeOf(query.cursor, sort);
  const read = ({ select, key, number }: Order, further = '') => {
    const [is, direction] = sort.startsWith('-') ? ['<', 'DESC'] : ['>', 'ASC'];
    // the first condition is for SQLite, which cannot look up pairs in an index on expressions
    const isAfter = after && `AND ${key} ${is}= @key AND (${key}, ${number}) ${is} (@key, @place)`;
    return sql.all<ListedRow>(
      `${select} ${isAfter ?? ''} ${further} ${filterOf(sql, query)}
       ORDER BY ${key} ${direction}, ${number} ${direction} LIMIT @most`,
      { ...after, most, ...filterValues(query) },
    );
  };
  switch (sort) {
    case 'name':
    case '-name':
      return read(BY_NAME);
    case 'created_at':
    case '-created_at':
      return read(BY_CREATION);
    case '-updated_at': {
      // a campaign is as new as the later of two times, so the newest ones are among the newest by either time
      const others = after === null ? '' : `AND (${UPDATED}, c.number) < (@key, @place)`;
      const rows = [...(await read(BY_CHANGE, others)), ...(await read(BY_EXPANSION, others))];
      return [...new Map(rows.map((row) => [row.number, row])).values()]
        .sort((one, other) => other.updatedAt - one.updatedAt || other.number - one.number)
        .slice(0, most);
    }
    case 'state': {
      const rows = after?.key === NEVER ? [] : await read(BY_STATE);
      if (rows.length === most) return rows;
      const never = await sql.all<ListedRow>(
        `${SELECT_CAMPAIGN} AND e.number IS NULL AND c.number > @place ${filterOf(sql, query)}
         ORDER BY c.number LIMIT @most`,
        { place: after?.key === NEVER ? after.place : 0, most: most - rows.length, ...filterValues(query) },
      );
      return [...rows, ...never];
    }
  }
}

function keyOf({ name, createdAt, updatedAt, state }: ListedRow, sort: CampaignSort): string | number {
  if (sort === 'state') return state ?? NEVER;
  if (sort === '-updated_at') return updatedAt;
  // like the databases, converts only unaccented Latin letters
  return sort.endsWith('name') ? name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : createdAt;
}

/** The row that a page begins after. @throws AppError invalid_cursor */
function placeOf(cursor: string, sort: CampaignSort): { readonly key: string | number; readonly place: number } {
  const text = decodePlace('campaigns', cursor, { scope: sort });
  const [, place, key] = /^(\d{1,15})\.(.*)$/s.exec(text) ?? [];
  const isTime = sort.endsWith('_at');
  if (key === undefined || (isTime && !/^\d{1,15}$/.test(key)))
    throw invalidCursor(cursor, 'the cursor does not belong to this list');
  return { key: isTime ? Number(key) : key, place: Number(place) };
}

/** The conditions of a query, each preceded by AND. `filterValues` returns the bound values. */
function filterOf({ dialect }: Sql, query: CampaignQuery): string {
  const { state, externalId, labels, search } = query;
  const texts = ['c.name', "coalesce(c.external_id, '')"].map((text) => dialect.containsText(text, 'search'));
  return [
    state === undefined ? '' : 'AND e.state = @state',
    externalId === undefined ? '' : 'AND c.external_id = @externalId',
    labels === undefined ? '' : `AND ${dialect.hasPairs('c.labels', 'labels')}`,
    search === undefined ? '' : `AND (${texts.join(' OR ')})`,
    query.createdFrom === undefined ? '' : 'AND c.created_at >= @createdFrom',
    query.createdTo === undefined ? '' : 'AND c.created_at < @createdTo',
    query.updatedFrom === undefined ? '' : `AND ${UPDATED} >= @updatedFrom`,
    query.updatedTo === undefined ? '' : `AND ${UPDATED} < @updatedTo`,
  ].join(' ');
}

function filterValues(query: CampaignQuery): Bound {
  return {
    state: query.state ?? null,
    externalId: query.externalId ?? null,
    search: query.search ?? null,
    labels: toJson(query.labels) ?? null,
    createdFrom: query.createdFrom ?? null,
    createdTo: query.createdTo ?? null,
    updatedFrom: query.updatedFrom ?? null,
    updatedTo: query.updatedTo ?? null,
  };
}
