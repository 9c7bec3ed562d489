/** Types for the parts of an OpenAPI document that this folder reads or writes. */
import type { ErrorCode } from '../../lib/errors.ts';
import type { HeaderName } from '../plugins/response-headers.ts';
import type { COMPONENT, EXAMPLE } from './component.ts';

/** Key of an operation under which the declared responses of its route are stored until the document is complete. */
export const ANSWERS = 'x-answers';

/** The responses that a route declares, by status. */
export interface DeclaredAnswers {
  readonly headers: Readonly<Record<string, readonly HeaderName[]>>;
  readonly errors: Readonly<Record<string, readonly ErrorCode[]>>;
}

export interface Reference {
  readonly $ref: string;
}

interface Named {
  readonly [COMPONENT]?: string;
}

export interface Schema extends Named {
  readonly type?: string;
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  examples?: readonly unknown[];
  readonly [EXAMPLE]?: object;
}

interface Parameter {
  readonly name: string;
  readonly schema: Schema;
}

interface RequestBody {
  required?: boolean;
  readonly content: Record<string, { schema: Schema }>;
}

export interface Response {
  readonly description: string;
  headers?: object;
}

export interface Operation {
  [ANSWERS]?: DeclaredAnswers;
  readonly responses: Record<string, Response | Reference>;
  parameters?: (Parameter | Reference)[];
  requestBody?: RequestBody | Reference;
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  webhooks?: object;
  readonly components: {
    schemas: Record<string, Schema>;
    headers?: object;
    parameters?: object;
    requestBodies?: object;
    responses?: object;
  };
}
