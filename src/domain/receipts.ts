/**
 * Receipts: signed statements of the inputs of a ranking, how it was computed, and its outputs. Field names are those
 * of the JSON, which anybody can verify without this program (docs/receipts.md).
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { canonicalJson } from '../lib/text/canonical-json.ts';
import type { ConsentBasis } from './consent.ts';
import type { CampaignFeatures, Filters } from './features.ts';
import type { Exclusions } from './special-categories.ts';

export const RECEIPT_FORMAT = 'metaheac-receipt/1';
export const SIGNATURE_ALGORITHM = 'Ed25519';

/** Everything that a ranking may depend on. */
export interface ReceiptInputs {
  /** The campaign's external id. Its own token is left out of the past campaigns. */
  readonly external_id: string | null;
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  readonly negative_weight: number;
  /** The features and past campaigns that the campaign's category excludes; absent without a category. */
  readonly excluded?: Exclusions;
  /** The user feature that the four-fifths rule is applied to; absent without the rule. */
  readonly four_fifths?: string;
  /** The sha256 of each user set of the expansion, by the name of the set. */
  readonly sets: Readonly<Record<string, string>>;
  readonly model: { readonly version: string; readonly sha256: string };
  readonly population: {
    readonly version: string;
    readonly sha256: string;
    /** Users of the version who were erased before the ranking began. */
    readonly erased: { readonly users: number; readonly sha256: string };
  };
}

/** The sha256 of each file of a ranking. */
export interface ReceiptOutputs {
  readonly scores: string;
  readonly order: string;
  readonly parameters: string;
}

/** The software, the processor and the settings of the run. */
export interface ReceiptEnvironment {
  readonly metaheac: string;
  readonly onnxruntime: string;
  readonly device: string;
  readonly batch_size: number;
  readonly processor: { readonly architecture: string; readonly features: readonly string[] };
  /** The sha256 of the scores that this processor computes for the model's golden batch. */
  readonly golden_sha256: string;
}

export interface ReceiptStatement {
  readonly format: typeof RECEIPT_FORMAT;
  readonly campaign_id: string;
  readonly expansion_id: string;
  /** RFC 3339. */
  readonly made_at: string;
  readonly inputs: ReceiptInputs;
  /**
   * The consent basis of each user set that had one when the expansion was created, by the name of the set. No ranking
   * depends on it. Absent if no set had one.
   */
  readonly consent_bases?: Readonly<Record<string, ConsentBasis>>;
  /** The seed of all random numbers: a sha256 of the inputs as population rows. */
  readonly plan_key: string;
  readonly candidates: number;
  /**
   * Number of candidates who were erased during the ranking and are not in it. If there are any, the ranking cannot be
   * reproduced.
   */
  readonly erased_while_ranking: number;
  readonly outputs: ReceiptOutputs;
  readonly computed_with: ReceiptEnvironment;
}

/** A statement with the signature of its canonical JSON (RFC 8785). */
export interface Receipt extends ReceiptStatement {
  readonly signature: {
    readonly algorithm: typeof SIGNATURE_ALGORITHM;
    readonly key_id: string;
    /** Base64. */
    readonly value: string;
  };
}

/** The installation's key. */
export interface ReceiptKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  /** PEM. */
  readonly publicKey: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Creates a private key (PKCS #8, PEM). */
export function newPrivateKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/**
 * Returns the key pair of a private key (PEM). The key's id is the first 16 hex digits of the sha256 of the public key
 * (DER).
 */
export function openReceiptKey(pem: string, createdAt: number): ReceiptKey {
  const privateKey = createPrivateKey(pem);
  const key = createPublicKey(privateKey);
  const id = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
  return { id, privateKey, publicKey: key.export({ type: 'spki', format: 'pem' }) as string, createdAt };
}

export function signReceipt(statement: ReceiptStatement, { id, privateKey }: ReceiptKey): Receipt {
  const value = sign(null, Buffer.from(canonicalJson(statement)), privateKey).toString('base64');
  return { ...statement, signature: { algorithm: SIGNATURE_ALGORITHM, key_id: id, value } };
}
