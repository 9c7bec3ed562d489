/** The console's build: into dist/console of the repository, which the server serves at /console/. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Compressing smaller files saves nothing. */
const LEAST_BYTES = 1024;
const PACKED = /\.(css|html|js|svg)$/;

/** Writes a `.gz` file next to each text file; the server sends it as it is. */
function packed(): Plugin {
  let folder = '';
  return {
    name: 'packed',
    apply: 'build',
    configResolved({ root, build }) {
      folder = resolve(root, build.outDir);
    },
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!PACKED.test(name)) continue;
        const bytes = readFileSync(join(folder, name));
        if (bytes.length >= LEAST_BYTES) writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  base: '/console/',
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    target: 'es2022',
    // inlined files would need a wider content security policy
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // the bundle's licences, which require their text to be included
    license: { fileName: 'licences.md' },
  },
  server: { proxy: Object.fromEntries(['/v1', '/livez', '/readyz', '/docs'].map((path) => [path, proxyTarget()])) },
  plugins: [packed()],
});

/** `npm run dev` uses a service that is already running. */
function proxyTarget(): string {
  return 'http://127.0.0.1:8080';
}
