/** Routes that check whether one user or many users are in an audience, and that list the audiences of a user. */
import { usersOf } from '../../domain/audiences.ts';
import { decodePlace, encodeCursor } from '../../domain/cursors.ts';
import type { AudienceCut } from '../../domain/cuts.ts';
import type { Audience } from '../../domain/types.ts';
import { andThen } from '../../lib/at-once.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { grouped } from '../../lib/text/counted.ts';
import { decimalScore } from '../../lib/text/decimal-score.ts';
import { JsonBytes, jsonPart } from '../../lib/text/json-bytes.ts';
import { gatherTexts, textsOf } from '../../lib/text/text-table.ts';
import type { HeldAudience, Membership, ReadRanking } from '../../service/ports/rankings.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { quoteJson, sendJson } from '../plugins/json/json-writing.ts';
import { campaignParams, memberParams, userParams } from '../plugins/params.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { findUser, findUsers } from '../user-sets/find-user.ts';
import { identifyBy, identifyInUrl, userIdOf } from '../user-sets/identifiers.ts';
import { membership, membershipBatch, userAudiences } from './audience.ts';
import { identifiersQuery, memberBatchBody, memberQuery, userAudiencesQuery } from './queries.ts';
import { GATHERED, readSentIds, type SentIds } from './sent-ids.ts';
import { activeNow, openFound } from './view.ts';

export function addMemberRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  getMembership(app, dependencies);
  batchGetMemberships(app, dependencies);
  listUserAudiences(app, dependencies);
}

/**
 * Returns the result of `use`, which reads the active audience like the work of `rankings.use`. It must not keep the
 * ranking, which may be closed afterwards.
 */
export function withActive<T>(
  { store, rankings }: ServerDependencies,
  id: string,
  users: number,
  use: (audience: Audience, ranking: ReadRanking) => T,
): T | Promise<T> {
  const again = async () => ({ audience: await activeNow(store, id) });
  return andThen(store.activeAudience(id), (active) =>
    openFound({ audience: active }, again, ({ audience }) =>
      rankings.use(audience.folder, (ranking) => use(audience, ranking), { audience, users }),
    ),
  );
}

/** @throws AppError user_not_found */
function numberOf(population: ServerDependencies['population'], userId: string): number {
  const number = findUser(population, userId);
  if (number >= 0) return number;
  throw new AppError('user_not_found', 'the user is not in the population', {
    facts: { member: false, known: false },
  });
}

/** The rest of the items of users who are not in the population, of those not in the audience, and of members. */
const ABSENT = jsonPart(',"member":false,"known":false,"code":"user_not_found"}');
const OUTSIDE = jsonPart(',"member":false,"known":true}');
const MEMBER = jsonPart(',"member":true,"known":true,"rank":');
/** The start of the first item, and of the others. */
const FIRST = jsonPart('{"user_id":');
const NEXT = jsonPart(',{"user_id":');

function getMembership(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, population, reads } = dependencies;
  app.get(
    '/v1/campaigns/:id/audience/members/:user_id',
    describeRoute({
      config: { quiet: true, class: 'lookup' },
      operationId: 'getMembership',
      scope: 'read',
      tags: ['audience'],
      summary: 'Check whether a user is in the audience',
      description:
        'Seeds and held-out users are never members. With `cut`, the look-up refers to the cut of that name. For a ' +
        'user who is not in the population, the response is 404 `user_not_found`, with `member` and `known` set to ' +
        'false. With `identifier`, `rule` and `hashed=true`, the user is looked up by the hash of an identifier.',
      params: memberParams(config),
      querystring: memberQuery(config),
      response: { 200: json('Whether the user is a member of the audience.', membership, ['X-Stale-Seconds']) },
      errors: ['campaign_not_found', 'user_not_found', 'audience_not_ready', 'cut_not_found'],
    }),
    (request, reply) => {
      const { id, user_id: sent } = request.params;
      const userId = userIdOf(sent, identifyInUrl(request.query), 'user_id');
      const position = withActive(dependencies, id, 1, (audience, ranking) =>
        reads.membershipOf(ranking, usersOf(audience, request.query.cut), numberOf(population, userId)),
      );
      return andThen(position, (found) => {
        const fields =
          found === null ? '"member":false,"known":true' : `"member":true,"known":true,${positionText(found)}`;
        sendJson(reply, `{${fields}}`);
      });
    },
  );
}

function batchGetMemberships(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, population, reads } = dependencies;
  app.post(
    '/v1/campaigns/:id/audience/members/batch',
    describeRoute({
      config: {
        quiet: true,
        class: 'lookup',
        readQuickly: (body) => readSentIds(body, config.maximumBatchMembers, config.maximumUserIdBytes),
      },
      operationId: 'batchGetMemberships',
      scope: 'read',
      tags: ['audience'],
      summary: 'Check whether users are in the audience',
      description:
        `Up to ${grouped(config.maximumBatchMembers)} user ids. All items refer to the same audience version ` +
        'and are in the order of the ids. If a user is not in the population, the batch does not fail: the ' +
        "user's item has `known` set to false and the code `user_not_found`. With `identifier` and `rule`, " +
        '`user_ids` are plain or hashed identifiers, which are shown as `<type>:<rule>:<hash>` in the items.',
      params: campaignParams,
      querystring: identifiersQuery,
      body: memberBatchBody(config),
      response: { 200: json('One item for each user id.', membershipBatch, ['X-Stale-Seconds']) },
      errors: ['campaign_not_found', 'audience_not_ready', 'cut_not_found'],
    }),
    async (request, reply) => {
      const body: typeof request.body & SentIds = request.body;
      const identify = identifyBy(request.query);
      const sent = body[GATHERED] ?? gatherTexts(body.user_ids);
      const idOf = (value: string, i: number) => userIdOf(value, identify, `/user_ids/${i}`);
      const ids = identify === null ? sent : gatherTexts(textsOf(sent).map(idOf));
      const answer = await withActive(dependencies, request.params.id, ids.ends.length, (audience, ranking) => {
        const users = usersOf(audience, body.cut);
        const out = new JsonBytes(ids).add(`{"version":${audience.version},"items":[`);
        const numbers = findUsers(population, ids);
        for (let i = 0, start = 0; i < numbers.length; i++) {
          const number = numbers[i]!;
          out.part(i === 0 ? FIRST : NEXT).quote(ids.bytes, start, ids.ends[i]!);
          start = ids.ends[i]!;
          const found = number < 0 ? null : reads.membershipOf(ranking, users, number);
          if (found === null) out.part(number < 0 ? ABSENT : OUTSIDE);
          else out.part(MEMBER).whole(found.rank).endMember(found.score, found.percentile);
        }
        return out.add(']}').take();
      });
      sendJson(reply, answer);
    },
  );
}

function listUserAudiences(app: ServerApp, dependencies: ServerDependencies): void {
  const { config } = dependencies;
  const find = createUserAudiences(dependencies);
  app.get(
    '/v1/users/:user_id/audiences',
    describeRoute({
      config: { quiet: true, class: 'lookup' },
      operationId: 'listUserAudiences',
      scope: 'read',
      tags: ['audience'],
      summary: 'List the audiences that contain a user',
      description:
        'Lists every campaign whose active audience contains the user, sorted by campaign id, with the named cuts that ' +
        'contain the user. A campaign is not listed if only a cut beyond the end of its audience contains the user: ' +
        'look-ups with `cut` find such users. If the user is not in the population, the response is 404. If the ' +
        'user is in no audience, the list is empty. With `identifier`, `rule` and `hashed=true`, the user is looked up ' +
        'by the hash of an identifier.',
      params: userParams(config),
      querystring: userAudiencesQuery(config),
      response: { 200: json('A page of the list.', userAudiences, ['X-Stale-Seconds']) },
      errors: ['invalid_cursor', 'user_not_found'],
    }),
    async (request, reply) => {
      const userId = userIdOf(request.params.user_id, identifyInUrl(request.query), 'user_id');
      const number = numberOf(dependencies.population, userId);
      sendJson(reply, await find(number, request.query));
    },
  );
}

/**
 * Returns a page of the campaigns whose active audience contains a user, sorted by campaign id, as JSON text that
 * conforms to `userAudiencesSchema`.
 * @throws AppError invalid_cursor, storage_failed
 */
function createUserAudiences({ userAudiences }: ServerDependencies) {
  let listed: readonly Audience[] = [];
  /** The parts of each audience's JSON text that are the same for all users. */
  let listedTexts: readonly AudienceText[] = [];
  return async (
    userNumber: UserNumber,
    { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<string> => {
    const after = cursor === undefined ? '' : decodePlace('user_audiences', cursor);
    const { audiences, held } = await userAudiences.find(userNumber);
    if (audiences !== listed) listedTexts = audiences.map(textOf);
    listed = audiences;
    const texts = listedTexts;
    const first = after === '' ? 0 : indexAfter(audiences, after);
    let items = '';
    let count = 0;
    let last = '';
    /** Adds an audience to the page. Returns false if the page is full. */
    const add = ([i, position]: HeldAudience): boolean => {
      if (i < first) return true;
      if (count === limit) return false;
      const { head, cuts } = texts[i]!;
      items += `${count === 0 ? '' : ','}${head}${positionText(position)},"cuts":[${namesAt(cuts, position.rank)}]}`;
      last = audiences[i]!.campaignId;
      count += 1;
      return true;
    };
    // for audiences in memory, the look-up creates no promise
    const isWhole = 'length' in held ? held.every(add) : await everyOf(held, add);
    return `{"items":[${items}],"next_cursor":${isWhole ? 'null' : `"${encodeCursor('user_audiences', last)}"`}}`;
  };
}

async function everyOf<T>(items: AsyncIterable<T>, use: (item: T) => boolean): Promise<boolean> {
  for await (const item of items) if (!use(item)) return false;
  return true;
}

interface AudienceText {
  readonly head: string;
  readonly cuts: readonly AudienceCut[];
}

function textOf({ campaignId, version, cuts }: Audience): AudienceText {
  return { head: `{"campaign_id":${quoteJson(campaignId)},"version":${version},`, cuts };
}

/** The names of the cuts that contain a rank, as a JSON array. */
function namesAt(cuts: readonly AudienceCut[], rank: number): string {
  let names = '';
  for (const { name, from, to } of cuts)
    if (from < rank && rank <= to) names += `${names === '' ? '' : ','}${quoteJson(name)}`;
  return names;
}

/** The position of a member as JSON fields. */
function positionText({ rank, score, percentile }: Membership): string {
  return `"rank":${rank},"score":${decimalScore(score)},"percentile":${percentile}`;
}

/** Index of the first audience whose campaign id is greater than `campaignId`. */
function indexAfter(audiences: readonly Audience[], campaignId: string): number {
  let low = 0;
  let high = audiences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (audiences[middle]!.campaignId <= campaignId) low = middle + 1;
    else high = middle;
  }
  return low;
}
