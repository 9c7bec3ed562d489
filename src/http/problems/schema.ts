/** The schema of error responses, and the error responses of a route. */
import { z } from 'zod';
import { PROBLEMS } from '../../lib/error-codes/error-codes.ts';
import type { ProblemStatus } from '../../lib/error-codes/problem-row.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { PROBLEM_TYPE } from './problem.ts';

/** The body of every error response. */
const problemSchema = z
  .looseObject({
    type: z.string().meta({ format: 'uri-reference' }).describe("The URL of the code's page, relative to the service."),
    title: z.string().describe('The error in a few words, the same for all problems with this code.'),
    status: z.int().describe('HTTP status.'),
    detail: z.string().describe('What is wrong in this request.'),
    code: z
      .enum(Object.keys(PROBLEMS) as [string, ...string[]])
      .describe('Stable code of the error, on which programs should branch.'),
    request_id: z.string().describe('Id of the request, as in `X-Request-Id` and in the log of the service.'),
    errors: z
      .array(
        z.object({
          pointer: z.string().describe('JSON pointer into the body, or the name of a query, path or header parameter.'),
          value: z
            .union([z.string(), z.number(), z.boolean(), z.null()])
            .optional()
            .describe('The refused value, which may be `null`; absent if it is not shown.'),
          limit: z.number().optional().describe('The limit that the value is beyond.'),
          message: z.string(),
        }),
      )
      .describe('The faults of the request; empty if no single value is at fault.'),
  })
  .meta({
    id: 'Problem',
    description:
      'An RFC 9457 problem. Some codes add fields: `state`, `retry_after` (seconds), `known_features`, ' +
      '`campaign_id`, `parts`, `model_version`, `served_model_version`, `acJWT`. Problems about a user add `member` and ' +
      '`known`. Problems about a list add `known`, `unknown`, `known_percent`, `min_known_percent`, ' +
      '`unknown_examples` and `hints`.',
    examples: [
      {
        type: '/docs/errors/invalid_request',
        title: 'The request is not valid',
        status: 400,
        detail: 'the body is not valid: /audience/size: at least 1 is expected',
        code: 'invalid_request',
        request_id: '0b0c1d6e-6a1f-4f5c-9a55-0f6f1f3f7a11',
        errors: [{ pointer: '/audience/size', value: 0, limit: 1, message: 'at least 1 is expected' }],
      },
    ],
  });

/** Returns the error responses by status. All share one schema. */
export function problemResponses(codes: readonly ErrorCode[]): Record<ProblemStatus, ProblemResponse> {
  const responses = Object.entries(codesByStatus(codes)).map(([status, ofStatus]) => {
    return [status, { description: ofStatus.join(', '), content: { [PROBLEM_TYPE]: { schema: problemSchema } } }];
  });
  return Object.fromEntries(responses);
}

/** Groups error codes by status. */
export function codesByStatus(codes: readonly ErrorCode[]): Readonly<Record<string, readonly ErrorCode[]>> {
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].sort();
  return Object.fromEntries(
    statuses.map((status) => [status, codes.filter((code) => PROBLEMS[code].status === status)]),
  );
}

interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly [PROBLEM_TYPE]: { readonly schema: typeof problemSchema } };
}
