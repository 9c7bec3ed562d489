/** The not-found errors that every store throws. */
import { AppError } from '../lib/errors.ts';

export function campaignNotFound(id: string): AppError {
  return new AppError('campaign_not_found', `there is no campaign ${id}`);
}

export function expansionNotFound(campaignId: string, id: string): AppError {
  return new AppError('expansion_not_found', `campaign ${campaignId} has no expansion ${id}`);
}

export function audienceNotFound(id: string, version: number): AppError {
  return new AppError('audience_not_found', `campaign ${id} has no audience version ${version}`);
}

export function webhookNotFound(id: string): AppError {
  return new AppError('webhook_not_found', `there is no webhook ${id}`);
}

export function destinationNotFound(id: string): AppError {
  return new AppError('destination_not_found', `there is no destination ${id}`);
}

export function deliveryNotFound(id: string): AppError {
  return new AppError('delivery_not_found', `there is no delivery ${id} here`);
}

export function keyNotFound(id: string): AppError {
  return new AppError('key_not_found', `there is no key ${id}`);
}
