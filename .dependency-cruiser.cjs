/** Rooms outside `src`. */
const PACKAGES = ['onnx-grad', 'lab', 'client'];

/**
 * The import arrows of README.md's map: every room may import only what its row lists. cli wires everything and is
 * imported by nobody; packages/lab measures, and no room needs it.
 */
const ARROWS = {
  lib: [],
  'onnx-grad': [],
  // it knows the service by its API alone
  client: [],
  model: ['domain', 'onnx-grad', 'lib'],
  dataset: ['lib'],
  // domain: the ports of blobs, through which versions are shared between hosts
  population: ['domain', 'dataset', 'lib'],
  online: ['model', 'population', 'onnx-grad', 'lib'],
  training: ['online', 'model', 'population', 'dataset', 'onnx-grad', 'lib'],
  domain: ['lib'],
  storage: ['domain', 'lib'],
  audience: ['domain', 'population', 'dataset', 'lib'],
  engine: ['storage', 'domain', 'online', 'audience', 'model', 'population', 'onnx-grad', 'lib'],
  http: ['domain', 'service', 'lib'],
  // online: a model is bound to a population before both are served, and a customised model has its manifest
  service: ['domain', 'storage', 'engine', 'audience', 'model', 'population', 'online', 'lib'],
  demo: ['training', 'model', 'population', 'dataset', 'onnx-grad', 'lib'],
  lab: ['service', 'training', 'online', 'model', 'population', 'dataset', 'onnx-grad', 'lib'],
};

/** The path of a room, as the start of a regular expression. */
const pathOf = (room) => (PACKAGES.includes(room) ? `^packages/${room}/` : `^src/${room}/`);
const pathsOf = (rooms) => rooms.map(pathOf).join('|');

/** The same inside console/src. A page may also use what the whole console shares, which stands beside these folders. */
const CONSOLE_ARROWS = {
  // `Failed` says what an error of the API is
  ui: ['ui/', 'api/errors\\.ts', 'console\\.ts'],
  api: ['api/', 'console\\.ts'],
  lists: ['lists/', 'ui/', 'api/', 'console\\.ts'],
  pages: ['pages/', 'lists/', 'ui/', 'api/', '(console|router)\\.ts'],
};

/** The one file of service that knows the server on top of it. */
const LIMITS_OF_ALL = '^src/service/limits\\.ts$';

/** A package with one door: only this file (or folder) may import it. */
const DOORS = {
  'onnxruntime-node': '^packages/onnx-grad/src/session/session\\.ts$',
  '@aws-sdk/client-s3': '^src/storage/s3/',
  'better-sqlite3': '^src/(storage/sqlite/|lib/files/file-lock\\.ts$)',
  pg: '^src/storage/postgres/',
  '@bufbuild/protobuf': '^packages/onnx-grad/src/(onnx/|rewrite/embedding-bag\\.ts$)',
  '@duckdb/[^/]+': '^src/population/tables/',
  'apache-arrow': '^src/population/',
  'hyparquet-writer': '^src/audience/stream/parquet\\.ts$',
  '(@fastify/[^/]+|fastify|fastify-plugin|fastify-type-provider-zod|prom-client)': '^src/http/',
  '@modelcontextprotocol/server': '^src/(http/mcp/|cli/commands/mcp\\.ts$)',
  jose: '^src/http/deletion/',
  'ipaddr.js': '^src/(lib/address-ranges|service/webhooks/address-guard)\\.ts$',
  'secure-json-parse': '^src/http/plugins/json/json-text\\.ts$',
  'p-queue': '^src/(storage/bounded-queue|http/plugins/connections/slots)\\.ts$',
  '@opentelemetry/[^/]+': '^src/lib/telemetry/',
  pino: '^src/lib/logging\\.ts$',
  'pino-pretty': '^src/lib/pretty-log\\.ts$',
  commander: '^src/cli/',
  'csv-parse': '^src/lib/text/csv-reader\\.ts$',
  yaml: '^src/service/settings/config-file\\.ts$',
  'd3-[^/]+': '^(src/training/report/|packages/lab/predictions/chart\\.ts$)',
  'ml-matrix': '^src/online/regression/symmetric-eigen\\.ts$',
};

module.exports = {
  forbidden: [
    ...Object.entries(ARROWS).map(([folder, allowed]) => ({
      name: `arrows-of-${folder}`,
      severity: 'error',
      from: { path: pathOf(folder), ...(folder === 'service' && { pathNot: LIMITS_OF_ALL }) },
      to: { path: '^(src|packages)/', pathNot: pathsOf([folder, ...allowed]) },
    })),
    {
      name: 'limits-of-all-are-listed-once',
      comment: 'Settings name the limits of the server too.',
      severity: 'error',
      from: { path: LIMITS_OF_ALL },
      to: {
        path: '^src/',
        pathNot: '^src/(http/(config|limits)\\.ts$|storage/s3/limits\\.ts$|(service|engine|domain|audience|lib)/)',
      },
    },
    ...Object.entries(DOORS).map(([name, door]) => ({
      name: `one-door-for-${name}`,
      severity: 'error',
      from: { path: '^(src|packages)/', pathNot: door },
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
      from: { path: '^console/src/', pathNot: '^console/src/lists/read/csv\\.ts$' },
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
      name: 'one-door-into-onnx-grad',
      comment: 'It is used as a library: only tests look behind index.ts, those of others at the messages alone.',
      severity: 'error',
      from: { path: '^(src|packages|test)/', pathNot: '^((packages|test)/onnx-grad|test/parity)/' },
      to: {
        path: '^packages/onnx-grad/',
        pathNot: '^packages/onnx-grad/(index|src/onnx/generated/onnx_pb)\\.ts$',
      },
    },
    {
      name: 'one-door-a-verb-into-population',
      comment: 'Other rooms read, import, update, erase and share; only tests look behind these files.',
      severity: 'error',
      from: { path: '^(src|packages)/', pathNot: '^src/population/' },
      to: { path: '^src/population/', pathNot: '^src/population/(read|import|update|erase|share)\\.ts$' },
    },
    {
      name: 'http-imports-ports-of-service-only',
      comment: 'Who serves a service over HTTP gives it the rest.',
      severity: 'error',
      from: { path: '^src/http/' },
      to: { path: '^src/service/', pathNot: '^src/service/ports/' },
    },
    {
      name: 'messages-stay-in-onnx-grad',
      severity: 'error',
      from: { path: '^(src|packages)/', pathNot: '^packages/onnx-grad/src/' },
      to: { path: '^packages/onnx-grad/src/onnx/generated/' },
    },
    {
      name: 'no-cycles',
      comment: 'Nor of types: one that two files name stands in a file below both.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-command-needs-the-lab',
      comment: 'It measures this repository. Other rooms have no arrow to it.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^packages/lab/' },
    },
    {
      name: 'sources-never-import-tests',
      severity: 'error',
      from: { path: '^(src|packages)/' },
      to: { path: '^test/' },
    },
    {
      name: 'reports-are-loaded-late',
      comment: 'What draws is loaded where something is drawn: by `import()`.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/training/report/' },
      to: { path: '^src/training/report/', dynamic: false },
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
      from: { path: '^src/', pathNot: '^src/lib/telemetry/' },
      to: { path: '^src/lib/telemetry/', dynamic: false },
    },
    {
      name: 'every-folder-has-its-arrows',
      severity: 'error',
      from: { path: '^(src|packages)/', pathNot: `^src/cli/|${pathsOf(Object.keys(ARROWS))}` },
      to: { path: '^(src|packages)/' },
    },
    {
      name: 'stores-are-opened-where-things-are-wired',
      comment: 'Everything else takes a port of src/domain/ports.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/(storage/|service/|cli/|engine/(engine-process|reproduce|expansion/estimate-thread)\\.ts$)',
      },
      to: { path: '^src/storage/' },
    },
    {
      name: 'two-doors-into-the-engine',
      comment: 'Others start an engine, speak with it, try at a start what it would open, or reproduce a ranking.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/engine/' },
      to: { path: '^src/engine/', pathNot: '^src/engine/(supervisor|messages|engine-start|reproduce|limits)\\.ts$' },
    },
    {
      name: 'one-door-to-the-adapters-of-stores',
      comment: 'Who opens a store has a locator: another adapter may stand behind it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/storage/' },
      to: { path: '^src/storage/', pathNot: '^src/storage/(open-store|s3/limits)\\.ts$' },
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
