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
