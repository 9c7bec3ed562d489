/** How the console is built: into dist/console of the repository, which the server serves at /console/. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Smaller files do not become smaller by it. */
const LEAST_BYTES = 1024;
const PACKED = /\.(css|html|js|svg)$/;

/** Puts a `.gz` beside each text file, for the server to send as it is. */
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
    // the licences of what the bundle contains, as those ask for
    license: { fileName: 'licences.md' },
  },
  server: { proxy: Object.fromEntries(['/v1', '/livez', '/readyz', '/docs'].map((path) => [path, proxyTarget()])) },
  plugins: [packed()],
});

/** `npm run dev` shows a service that runs already. */
function proxyTarget(): string {
  return 'http://127.0.0.1:8080';
}
