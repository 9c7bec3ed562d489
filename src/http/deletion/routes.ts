/**
 * Deletion requests by the Data Deletion Request Framework of the IAB Tech Lab, versions 1 and 2. A signed request ends
 * in an erasure; its signature takes the place of an API key.
 */
import { createPublicKey, randomUUID } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { z } from 'zod';
import type { PendingAction } from '../../domain/audit.ts';
import type { DeletionSettings } from '../../domain/deletion.ts';
import { formatsOf, IDENTIFIER_TYPE, idsByAnyRule, type ValueFormat } from '../../domain/identities.ts';
import { AppError } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { component } from '../openapi/component.ts';
import { clientAddress } from '../plugins/access/rate-limit.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { userId } from '../plugins/json/fields.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { DeletionRefusal, type DeletionRequest, RESULTS, readDeletionRequest } from './request-token.ts';

const PATH = '/v1/deletion-requests';
const TAGS = ['users'];
const VERSION = '2.0';
/** Type of the population's own user ids. */
const USER_ID = 'user_id';
const ANNOUNCED = ['email', 'phone', 'maid', 'uid2', 'rampid'].flatMap((type) =>
  formatsOf(type).map((format) => ({ type, format })),
);
const IDENTIFIERS = [...ANNOUNCED, { type: USER_ID, format: 'plain' }].map((own, i) => ({ id: i + 1, ...own }));

const token = z.string().min(1).max(16_384);
const body = z
  .strictObject({ rqJWT: token.describe('The signed request: a JWT with the field `orJWT` (or `idJWT`).') })
  .meta({ ...component('DeletionRequest'), examples: [{ rqJWT: 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl' }] });
const answer = z
  .object({ acJWT: z.string().describe('The signed acknowledgement, with `raResultCode` and `raResultString`.') })
  .meta({ id: 'DeletionAcknowledgement', examples: [{ acJWT: 'eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl' }] });
const participant = z
  .object({
    endpoint: z.string().describe('URL that deletion requests are sent to.'),
    identifiers: z
      .array(
        z.object({
          id: z.int(),
          type: z.string().describe('The `identifierType` of requests.'),
          format: z.string().describe('The `identifierFormat` of requests: plain, or the algorithm of the hash.'),
        }),
      )
      .describe('Types and formats of identifiers that requests may name.'),
    publicKey: z.array(z.record(z.string(), z.unknown())).describe('Public keys (JWK) that verify acknowledgements.'),
    vendorScriptRequirement: z.boolean().describe('Whether a script is needed; always `false`.'),
  })
  .meta({
    id: 'DeletionParticipant',
    examples: [
      {
        endpoint: `https://audiences.example${PATH}`,
        identifiers: IDENTIFIERS.slice(0, 2),
        publicKey: [{ kty: 'OKP', crv: 'Ed25519', x: 'Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE', kid: '1f7c2a' }],
        vendorScriptRequirement: false,
      },
    ],
  });

export function addDeletionRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  requestDeletion(app, dependencies);
  getParticipant(app, dependencies);
}

function requestDeletion(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, eraser } = dependencies;
  let keys: IssuerKeys | null = null;
  app.post(
    PATH,
    describeRoute({
      operationId: 'requestDeletion',
      scope: 'none',
      tags: TAGS,
      summary: 'Request the deletion of a user as a partner (IAB)',
      description:
        'The Data Deletion Request Framework of the IAB Tech Lab. A request of a trusted domain ' +
        '(`METAHEAC_DELETION_ISSUERS`) erases the user like `DELETE /v1/users/{user_id}`, before the response is sent. ' +
        'A hash is compared by each rule of its type. The response is the same for users who are not known. Needs no ' +
        'API key, because both tokens are signed. A refusal (400) also has an `acJWT`.',
      body,
      response: { 202: json('The user was erased; `raResultCode` is 0.', answer) },
      errors: ['route_not_found', 'deletion_refused'],
    }),
    async (request, reply) => {
      const { issuers, domain } = settingsOf(config);
      keys ??= new IssuerKeys(issuers, dependencies);
      const { rqJWT } = request.body;
      try {
        const asked = await readDeletionRequest(rqJWT, keys, dependencies.clock.now());
        const action = actionOf(asked, clientAddress(request) ?? null, request.id);
        // the first erasure writes the only entry in the audit log
        await Promise.all(idsOf(asked, config).map((id, i) => eraser.erase(id, i === 0 ? action : null)));
      } catch (error) {
        if (!(error instanceof DeletionRefusal)) throw error;
        const facts = await acknowledge(dependencies, { rqJWT, domain, code: error.result, text: error.message });
        throw new AppError('deletion_refused', error.message, { facts });
      }
      reply.code(202);
      return acknowledge(dependencies, { rqJWT, domain, code: RESULTS.accepted, text: 'the user was erased' });
    },
  );
}

function getParticipant(app: ServerApp, { config, store }: ServerDependencies): void {
  app.get(
    '/dsrdelete.json',
    describeRoute({
      operationId: 'getDeletionParticipant',
      scope: 'none',
      tags: TAGS,
      summary: 'Describe how partners request deletions (IAB)',
      description: 'The file that the Data Deletion Request Framework expects at the root of a domain.',
      response: { 200: json('Endpoint, identifiers and public keys.', participant) },
      errors: ['route_not_found'],
    }),
    async () => {
      const { domain } = settingsOf(config);
      const { id, publicKey } = await store.receipts.key();
      const jwk = await exportJWK(createPublicKey(publicKey));
      return {
        endpoint: `https://${domain}${PATH}`,
        identifiers: IDENTIFIERS,
        publicKey: [{ ...jwk, kid: id, alg: 'EdDSA', use: 'sig' }],
        vendorScriptRequirement: false,
      };
    },
  );
}

/** @throws AppError route_not_found if no deletion requests are accepted */
function settingsOf({ deletion }: Pick<ServerDependencies['config'], 'deletion'>): DeletionSettings {
  if (deletion === null) throw new AppError('route_not_found', 'this service accepts no deletion requests');
  return deletion;
}

interface Acknowledgement {
  readonly rqJWT: string;
  readonly domain: string;
  readonly code: number;
  readonly text: string;
}

async function acknowledge(
  { store, clock }: Pick<ServerDependencies, 'store' | 'clock'>,
  { rqJWT, domain, code, text }: Acknowledgement,
): Promise<{ acJWT: string }> {
  const { id, privateKey } = await store.receipts.key();
  const signed = new SignJWT({ version: VERSION, rqJWT, raResultCode: code, raResultString: text })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: id })
    .setIssuer(domain)
    .setJti(randomUUID())
    .setIssuedAt(Math.floor(clock.now() / 1000));
  return { acJWT: await signed.sign(privateKey) };
}

/** The user ids to erase; at least one. @throws DeletionRefusal */
function idsOf(
  { type, format, value }: DeletionRequest,
  { maximumUserIdBytes }: Pick<ServerDependencies['config'], 'maximumUserIdBytes'>,
): string[] {
  const isOwn = type === USER_ID;
  if (!isOwn && !IDENTIFIER_TYPE.test(type))
    throw new DeletionRefusal('unsupportedType', 'the identifierType is not one of dsrdelete.json');
  const formats: readonly string[] = isOwn ? ['plain'] : formatsOf(type);
  if (!formats.includes(format))
    throw new DeletionRefusal('wrongFormat', `the identifierFormat is not one of ${formats.join(', ')}`);
  const ids = isOwn
    ? [value].filter((id) => userId(maximumUserIdBytes).safeParse(id).success)
    : idsByAnyRule(value, type, format as ValueFormat);
  if (ids.length === 0) throw new DeletionRefusal('wrongFormat', 'the identifierValue does not have the format');
  return ids;
}

function actionOf(
  { requester, firstParty }: DeletionRequest,
  address: string | null,
  requestId: string,
): PendingAction {
  return {
    action: {
      ...{ actor: requester, address, action: 'requestDeletion', resource: 'user', resourceId: null },
      ...{ status: 202, requestId, facts: { first_party: firstParty } },
    },
    isRecorded: false,
  };
}
