/**
 * Turns named parts of the OpenAPI document, and parts that operations share, into components that operations refer to.
 */
import { assert } from '../../lib/errors.ts';
import { COMPONENT, EXAMPLE } from './component.ts';
import { ANSWERS, type Document, type Operation, type Reference } from './document-types.ts';

type Kind = 'parameters' | 'requestBodies' | 'responses';

/** Moves named parameters, named bodies and error responses to the components. */
export function referToComponents(document: Document, operations: readonly Operation[]): void {
  const { components } = document;
  const refer = (kind: Kind, name: string, part: object): Reference => {
    const parts = new Map(Object.entries(components[kind] ?? {}));
    const known = parts.get(name);
    assert(known === undefined || JSON.stringify(known) === JSON.stringify(part), `one component is named ${name}`);
    components[kind] = Object.fromEntries(parts.set(name, part));
    return { $ref: `#/components/${kind}/${name}` };
  };
  for (const operation of operations) {
    referToParameters(operation, refer);
    referToBodies(operation, refer);
    referToErrors(operation, refer);
  }
}

type Refer = (kind: Kind, name: string, part: object) => Reference;

function referToParameters(operation: Operation, refer: Refer): void {
  const { parameters } = operation;
  if (parameters === undefined) return;
  operation.parameters = parameters.map((parameter) => {
    if ('$ref' in parameter) return parameter;
    const [name, schema] = nameOf(parameter.schema);
    return name === undefined ? parameter : refer('parameters', name, { ...parameter, schema });
  });
}

/**
 * Refers to whole bodies rather than to their schemas, because client generators treat fields with a default as
 * optional only in bodies.
 */
function referToBodies(operation: Operation, refer: Refer): void {
  const { requestBody } = operation;
  if (requestBody === undefined || '$ref' in requestBody) return;
  const names = new Set<string>();
  for (const media of Object.values(requestBody.content)) {
    const [name, { [EXAMPLE]: example, ...schema }] = nameOf(media.schema);
    media.schema = example === undefined ? schema : { ...schema, examples: [example] };
    if (name !== undefined) names.add(name);
  }
  assert(names.size <= 1, 'a body has one name');
  for (const name of names) operation.requestBody = refer('requestBodies', name, requestBody);
}

function referToErrors({ [ANSWERS]: answers, responses }: Operation, refer: Refer): void {
  for (const [status, codes] of Object.entries(answers?.errors ?? {})) {
    const response = responses[status];
    if (response !== undefined) responses[status] = refer('responses', codes.map(inPascalCase).join('Or'), response);
  }
}

/** Returns the component name of a part, and the part without the name. */
function nameOf<P extends { readonly [COMPONENT]?: string }>(part: P): [string | undefined, Omit<P, typeof COMPONENT>] {
  const { [COMPONENT]: name, ...rest } = part;
  return [name, rest];
}

function inPascalCase(code: string): string {
  return code.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
