/** Names components of the OpenAPI document in the metadata of schemas. */

/** The metadata key for component names, which is removed from the finished document. */
export const COMPONENT = 'x-component';

/**
 * Returns metadata for `.meta()`. The body or parameter with this schema becomes the component `#/components/…/<name>`,
 * and operations refer to it.
 */
export function component(name: string): { readonly [COMPONENT]: string } {
  return { [COMPONENT]: name };
}

/** The key of a body's example in the metadata of its schema. */
export const EXAMPLE = 'x-body-example';

/**
 * Returns metadata for the example of a body that is transformed when it is parsed. zod leaves `examples` out of such
 * schemas, because they could be outputs.
 */
export function bodyExample(value: object): { readonly [EXAMPLE]: object } {
  return { [EXAMPLE]: value };
}
