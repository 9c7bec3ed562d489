/** Folders of which each is a kind of store. */
const STORES = ['sqlite'];

/** The import arrows of README.md's map: every folder may import only what its row lists; cli wires everything and is imported by nobody. */
const ARROWS = {
  lib: [],
  graph: ['lib'],
  runtime: ['graph', 'lib'],
  architectures: ['graph', 'lib'],
  model: ['adaptation', 'runtime', 'graph', 'lib'],
  dataset: ['lib'],
  population: ['dataset', 'lib'],
  adaptation: ['runtime', 'graph', 'lib'],
  online: ['adaptation', 'model', 'population', 'runtime', 'graph', 'lib'],
  offline: ['online', 'adaptation', 'architectures', 'model', 'population', 'dataset', 'runtime', 'graph', 'lib'],
  report: ['offline', 'model', 'lib'],
  audience: ['campaigns', 'population', 'dataset', 'lib'],
  campaigns: ['lib'],
  'user-sets': ['campaigns', 'lib'],
  ...Object.fromEntries(STORES.map((name) => [name, ['campaigns', 'user-sets', 'lib']])),
  store: [...STORES, 'campaigns', 'lib'],
  telemetry: ['lib'],
  worker: ['store', 'campaigns', 'online', 'audience', 'model', 'population', 'runtime', 'telemetry', 'lib'],
  server: ['campaigns', 'audience', 'population', 'lib'],
  demo: ['offline', 'model', 'population', 'dataset', 'runtime', 'lib'],
};

/** The same inside console/src. A page may also use what the whole console shares, which stands beside these folders. */
const CONSOLE_ARROWS = {
  // `Failed` says what an error of the API is
  ui: ['ui/', 'api/errors\\.ts', 'console\\.ts'],
  api: ['api/', 'console\\.ts'],
  pages: ['pages/', 'ui/', 'api/', '(console|router)\\.ts'],
};

/** A package with one door: only this file (or folder) may import it. */
const DOORS = {
  'onnxruntime-node': '^src/runtime/session.ts$',
  'better-sqlite3': '^src/(sqlite/|lib/file-lock\\.ts$)',
  '@bufbuild/protobuf': '^src/graph/',
  '@duckdb/[^/]+': '^src/population/tables/',
  'apache-arrow': '^src/population/',
  'hyparquet-writer': '^src/audience/parquet\\.ts$',
  '(@fastify/[^/]+|fastify|fastify-plugin|fastify-type-provider-zod|prom-client)': '^src/server/',
  'ipaddr.js': '^src/server/',
  'secure-json-parse': '^src/server/http/json-text\\.ts$',
  'p-queue': '^src/(lib/turns|server/http/slots)\\.ts$',
  '@opentelemetry/[^/]+': '^src/telemetry/',
  pino: '^src/lib/logging\\.ts$',
  'pino-pretty': '^src/lib/pretty-log\\.ts$',
  commander: '^src/cli/',
  'csv-parse': '^src/lib/csv-reader\\.ts$',
  yaml: '^src/cli/config-file\\.ts$',
  'd3-[^/]+': '^src/report/',
  'ml-matrix': '^src/lib/symmetric-eigen\\.ts$',
};

module.exports = {
  forbidden: [
    ...Object.entries(ARROWS).map(([folder, allowed]) => ({
      name: `${folder}-imports-only-${allowed.join('-') || 'nothing'}`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
    })),
    ...Object.entries(DOORS).map(([name, door]) => ({
      name: `one-door-for-${name}`,
      severity: 'error',
      from: { path: '^src/', pathNot: door },
      to: { path: `node_modules/${name}(/|$)` },
    })),
    ...Object.entries(CONSOLE_ARROWS).map(([folder, allowed]) => ({
      name: `console-${folder}-imports-what-it-may`,
      severity: 'error',
      from: { path: `^console/src/${folder}/` },
      to: { path: '^console/src/', pathNot: `^console/src/(${allowed.join('|')})` },
    })),
    {
      name: 'one-door-for-papaparse',
      severity: 'error',
      from: { path: '^console/src/', pathNot: '^console/src/pages/new-audience/read/csv\\.ts$' },
      to: { path: 'node_modules/(@types/)?papaparse(/|$)' },
    },
    {
      name: 'the-console-is-a-project-of-its-own',
      comment: 'It knows the service by its API alone, whose types are generated.',
      severity: 'error',
      from: { path: '^console/' },
      to: { path: '^(src|test)/' },
    },
    {
      name: 'nothing-imports-the-console',
      comment: 'Only its own tests do.',
      severity: 'error',
      from: { path: '^(src|test)/', pathNot: '^test/console/' },
      to: { path: '^console/' },
    },
    {
      name: 'one-door-into-graph',
      comment:
        'src/graph is used as a library: only tests look behind index.ts, those of others at the messages alone.',
      severity: 'error',
      from: { path: '^(src|test)/', pathNot: '^(src|test)/graph/' },
      to: { path: '^src/graph/', pathNot: '^src/graph/(index|generated/onnx_pb)\\.ts$' },
    },
    {
      name: 'messages-stay-in-graph',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/graph/' },
      to: { path: '^src/graph/generated/' },
    },
    {
      name: 'no-cycles',
      comment: 'A type may be named both ways (a rule names the builder that calls it); what runs may not.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'src-never-imports-test', severity: 'error', from: { path: '^src/' }, to: { path: '^test/' } },
    {
      name: 'reports-are-loaded-late',
      comment: 'What draws is loaded where something is drawn: by `import()`.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/report/' },
      to: { path: '^src/report/', dynamic: false },
    },
    {
      name: 'tables-are-loaded-late',
      comment: 'DuckDB is loaded where a table is read: by `import()`. A service never does.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/population/tables/' },
      to: { path: '^src/population/tables/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'telemetry-is-loaded-late',
      comment: 'Loaded by `import()` where an endpoint was given; its types are in src/lib/tracing.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/' },
      to: { path: '^src/telemetry/', dynamic: false },
    },
    {
      name: 'every-folder-has-its-arrows',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(cli|${Object.keys(ARROWS).join('|')})/` },
      to: { path: '^src/' },
    },
    {
      name: 'stores-are-opened-where-things-are-wired',
      comment: 'Everything else takes a port of src/campaigns/ports.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(store/|cli/(service(-campaigns|-upkeep)?|start-checks|data-folder|commands/(population-erase|verify|backup|model-promote)|doctor/data-folder)\\.ts$|worker/(engine|[a-z]+-thread)\\.ts$)',
      },
      to: { path: '^src/store/' },
    },
    {
      name: 'one-door-to-the-adapters-of-stores',
      comment: 'Who opens a store has a locator: another adapter may stand behind it.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/((${STORES.join('|')})/|store/open-store\\.ts$)` },
      to: { path: `^src/(${STORES.join('|')})/` },
    },
    {
      name: 'resolvable',
      comment: 'The types of the API are not there before they are generated.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: 'generated/openapi\\.d\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
