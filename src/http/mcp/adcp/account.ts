/** Accounts: campaigns of an account have its id as a label. Accounts need not be created. */
import { z } from 'zod';

/** The label that holds the account of a campaign. */
export const ACCOUNT_LABEL = 'adcp_account';

const DEFAULT_ACCOUNT = 'default';

const domain = z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/);

export const account = z
  .union([
    z.strictObject({ account_id: z.string().min(1).max(100) }),
    z.strictObject({
      brand: z.looseObject({ domain, brand_id: z.string().optional() }),
      operator: domain,
      sandbox: z.boolean().optional(),
    }),
  ])
  .describe('The account, by its id, or by the brand and the operator.');

/** The account of an agent whose calls name none: that of its key's labels. */
export function ownAccount(labels: Readonly<Record<string, string>>): string {
  return labels[ACCOUNT_LABEL] ?? DEFAULT_ACCOUNT;
}

/** The id of an account: as given, or made of operator, brand and sandbox. */
export function accountIdOf(
  given: z.output<typeof account> | undefined,
  labels: Readonly<Record<string, string>>,
): string {
  if (given === undefined) return ownAccount(labels);
  if ('account_id' in given) return given.account_id;
  const { brand, operator, sandbox } = given;
  return [operator, brand.domain, brand.brand_id, sandbox && 'sandbox'].filter(Boolean).join('/');
}
