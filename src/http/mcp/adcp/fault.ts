/** Errors as AdCP has them. */
import type { ApiResponse } from '../agent-tool.ts';

type Recovery = 'transient' | 'correctable' | 'terminal';

/** An error of AdCP's vocabulary. */
export class AdcpFault extends Error {
  readonly code: string;
  readonly recovery: Recovery;
  readonly field: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: string, message: string, facts: { recovery?: Recovery; field?: string; retryAfter?: number } = {}) {
    super(message);
    this.code = code;
    this.recovery = facts.recovery ?? 'correctable';
    this.field = facts.field;
    this.retryAfter = facts.retryAfter;
  }

  toJSON() {
    const { code, message, recovery, field, retryAfter } = this;
    return {
      code,
      message,
      recovery,
      ...(field !== undefined && { field }),
      ...(retryAfter !== undefined && { retry_after: Math.min(Math.max(retryAfter, 1), 3600) }),
    };
  }
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly retry_after?: number;
  readonly errors?: readonly { readonly pointer: string }[];
}

/** Codes of AdCP for codes of the API; any other code is INVALID_REQUEST, or SERVICE_UNAVAILABLE from status 500 on. */
const CODES: Readonly<Record<string, readonly [code: string, recovery?: Recovery]>> = {
  unauthorized: ['AUTH_REQUIRED'],
  forbidden: ['PERMISSION_DENIED', 'terminal'],
  rate_limited: ['RATE_LIMITED', 'transient'],
  campaign_not_found: ['REFERENCE_NOT_FOUND'],
  external_id_taken: ['CONFLICT'],
  idempotency_key_reused: ['IDEMPOTENCY_CONFLICT'],
  audience_not_ready: ['INVALID_STATE', 'transient'],
};

export function faultOf({ status, body }: ApiResponse): AdcpFault {
  const { code, detail, retry_after: retryAfter, errors = [] } = JSON.parse(body) as Problem;
  const [known, recovery] = CODES[code] ?? (status >= 500 ? ['SERVICE_UNAVAILABLE', 'transient'] : ['INVALID_REQUEST']);
  return new AdcpFault(known, detail, {
    ...(recovery !== undefined && { recovery: recovery as Recovery }),
    ...(errors[0] !== undefined && { field: errors[0].pointer }),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}
