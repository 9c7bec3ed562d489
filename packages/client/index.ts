/** The entry point of the package. */

export type { components, paths } from './generated/openapi.d.ts';
export {
  type ChangesOptions,
  type ClientOptions,
  MetaheacClient,
  type UploadOptions,
  type WaitOptions,
} from './src/client.ts';
export { ApiError, ConnectionError, ExpansionError, type FieldFault, ForeignResponseError } from './src/errors.ts';
export type { Campaign, Changes, DiffLine, Member, Problem, WebhookEvent } from './src/types.ts';
export { verifyWebhook, WebhookVerificationError } from './src/webhooks.ts';
