/** Names the components of the OpenAPI document, through metadata of the schema of a body or parameter. */

/** The metadata's key, which is not in the finished document. */
export const COMPONENT = 'x-component';

/**
 * Metadata for `.meta()`: the body or parameter with this schema becomes `#/components/…/<name>`, which operations then
 * refer to.
 */
export function component(name: string): { readonly [COMPONENT]: string } {
  return { [COMPONENT]: name };
}
