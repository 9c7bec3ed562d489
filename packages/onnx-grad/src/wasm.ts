/** Instances of WebAssembly kernels, each with a memory of its own. */

const PAGE_BYTES = 2 ** 16;
/** Compiled modules by their binary. */
const compiled = new Map<string, WebAssembly.Module>();

/** Allocates the next `count` values of a memory. Values of 8 bytes must be allocated before values of 4 bytes. */
export type Take = <V extends { readonly byteLength: number }>(
  View: new (buffer: ArrayBuffer, offset: number, length: number) => V,
  count: number,
) => V;

/**
 * Instantiates kernels with a memory of at least `bytes` bytes. `binary` is the module in base64, which imports the
 * memory as `<name>.memory` and exports `Kernels`.
 */
export function openKernels<Kernels>(binary: string, name: string, bytes: number): { kernels: Kernels; take: Take } {
  const memory = new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / PAGE_BYTES)) });
  const module = compiled.get(binary) ?? new WebAssembly.Module(Buffer.from(binary, 'base64'));
  compiled.set(binary, module);
  const kernels = new WebAssembly.Instance(module, { [name]: { memory } }).exports as Kernels;
  let at = 0;
  const take: Take = (View, count) => {
    const view = new View(memory.buffer, at, count);
    at += view.byteLength;
    return view;
  };
  return { kernels, take };
}
