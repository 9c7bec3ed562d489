// The API reference as Markdown, from openapi.yaml: one page per tag, one of the webhooks' calls, one of all schemas.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ROOT } from './pages.mjs';

const api = parse(readFileSync(`${ROOT}openapi.yaml`, 'utf8'));
const SCHEMAS = '#/components/schemas/';
/** Tags without an entry in the document's list. */
const TITLES = { agents: 'Calls of agents (MCP).' };

/** Tags with their operations, in the order of the document. */
const tags = new Map(api.tags.map(({ name, description }) => [name, { description, operations: [] }]));
for (const [path, methods] of Object.entries(api.paths))
  for (const [method, operation] of Object.entries(methods)) {
    const [tag] = operation.tags;
    if (!tags.has(tag)) tags.set(tag, { description: TITLES[tag] ?? '', operations: [] });
    tags.get(tag).operations.push({ ...operation, call: `${method.toUpperCase()} ${path}` });
  }
const calls = Object.entries(api.webhooks).map(([event, { post }]) => ({ ...post, call: event }));

/** The entries of the sidebar. */
export function readReferenceItems() {
  return [
    { text: 'Overview', link: '/reference/' },
    ...[...tags.keys()].map((tag) => ({ text: titleOf(tag), link: `/reference/${tag}` })),
    { text: 'Events', link: '/reference/events' },
    { text: 'Schemas', link: '/reference/schemas' },
  ];
}

/** Paths and texts of all pages. */
export function referencePages() {
  const pages = [...tags].map(([tag, { description, operations }]) => [
    `${tag}.md`,
    [`# ${titleOf(tag)}`, description, ...operations.map(operationText)],
  ]);
  const events = ['# Events', 'The calls that a webhook receives.', ...calls.map(operationText)];
  const schemas = Object.entries(api.components.schemas).map(([name, schema]) => schemaText(name, schema));
  pages.push(
    ['index.md', overview()],
    ['events.md', events],
    ['schemas.md', ['# Schemas', 'Objects of requests and responses.', ...schemas]],
  );
  return pages.map(([name, parts]) => [`reference/${name}`, `---\noutline: 2\n---\n\n${parts.join('\n\n')}\n`]);
}

function overview() {
  const rows = [...tags].flatMap(([tag, { operations }]) =>
    operations.map(({ call, summary, operationId }) => [
      `[${summary}](${tag}.md#${anchorOf(operationId)})`,
      `\`${call}\``,
    ]),
  );
  return [
    '# API reference',
    api.info.description,
    'This reference is made from `openapi.yaml`; a running service shows it at `/docs` and sends it from ' +
      '`/docs/openapi.json`. The [conventions](/api.md) describe errors, pages, idempotency and versions.',
    table(['operation', 'call'], rows),
  ];
}

function operationText(operation) {
  const { summary, operationId, call, description = '', security = api.security, parameters = [] } = operation;
  const scope = security.flatMap(({ key }) => key ?? [])[0];
  const isEvent = !call.includes(' ');
  const parts = [
    `## ${summary} {#${anchorOf(operationId)}}`,
    isEvent ? `Event \`${call}\`` : `\`${call}\`${scope ? `, scope \`${scope}\`` : ', no key'}`,
    description,
  ];
  if (parameters.length > 0) {
    const rows = parameters
      .map(resolve)
      .map(({ name, in: place, required, schema, description: text = '', example }) => [
        `\`${name}\``,
        `${required ? `${place}, required` : place}; ${typeOf(schema)}. ${text}` +
          (example === undefined ? '' : ` Example: ${code(example)}`),
      ]);
    parts.push(`### Parameters {#${anchorOf(operationId)}-parameters}`, table(['name', 'meaning'], rows));
  }
  if (operation.requestBody)
    parts.push(`### Body {#${anchorOf(operationId)}-body}`, ...contentTexts(resolve(operation.requestBody).content));
  parts.push(`### Responses {#${anchorOf(operationId)}-responses}`, ...responseTexts(operation.responses));
  return parts.filter(Boolean).join('\n\n');
}

/** Responses in one table, errors by their codes; then what successes contain. */
function responseTexts(responses) {
  const all = Object.entries(responses).map(([status, response]) => ({ status, ...resolve(response) }));
  const rows = all.map(({ status, description, content = {}, headers = {} }) => {
    const isProblem = content['application/problem+json'] !== undefined;
    const names = Object.keys(headers).filter((name) => name !== 'X-Request-Id');
    return [status, isProblem ? description.split(', ').map(code).join(', ') : description, names.map(code).join(', ')];
  });
  const successes = all.filter(({ content, status }) => content && /^2/.test(status));
  return [
    table(['status', 'meaning or error codes', 'headers'], rows),
    ...successes.flatMap(({ status, content }) => contentTexts(content, `Body of ${status}: `)),
  ];
}

/** Each media type with its schema and an example. */
function contentTexts(content, prefix = '') {
  return Object.entries(content).flatMap(([type, { schema = {}, example, examples }]) => {
    const shown = example ?? Object.values(examples ?? {})[0]?.value ?? exampleOf(schema);
    return [
      `${prefix}\`${type}\`, ${schema.description ? `${typeOf(schema)}. ${schema.description}` : typeOf(schema)}`,
      propertyTable(schema),
      shown === undefined ? '' : exampleText(shown),
    ].filter(Boolean);
  });
}

function schemaText(name, schema) {
  return [
    `## ${name} {#${name.toLowerCase()}}`,
    schema.description,
    schema.properties ? '' : `Type: ${typeOf(schema)}`,
    propertyTable(schema),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function exampleText(example) {
  const isText = typeof example === 'string';
  return `\`\`\`${isText ? 'text' : 'json'}\n${isText ? example.trimEnd() : JSON.stringify(example, null, 2)}\n\`\`\``;
}

function propertyTable(schema) {
  const rows = propertiesOf(schema).map(({ path, isRequired, value }) => [
    `\`${path}\`${isRequired ? '' : '?'}`,
    `${typeOf(value)}. ${value.description ?? ''}${value.default === undefined ? '' : ` Default: ${code(value.default)}`}`,
  ]);
  return rows.length === 0 ? '' : table(['property', 'meaning'], rows);
}

/** The properties of a schema and, by their paths, of the objects in it. Optional ones have a `?` in the table. */
function propertiesOf(schema, prefix = '') {
  const isShared = schema.$ref !== undefined;
  if (isShared) return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const path = `${prefix}${name}`;
    return [{ path, isRequired: schema.required?.includes(name), value }, ...propertiesOf(value, `${path}.`)];
  });
  const inItems = schema.items ? propertiesOf(schema.items, `${prefix.replace(/\.$/, '')}[].`) : [];
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((choice) => propertiesOf(choice, prefix));
  const all = [...own, ...inItems, ...choices];
  return all.filter(({ path }, i) => all.findIndex((other) => other.path === path) === i);
}

/** A schema in a few words, such as `string, 1 to 256 long`. */
function typeOf(schema) {
  if (schema.$ref?.startsWith(SCHEMAS)) {
    const name = schema.$ref.slice(SCHEMAS.length);
    return `[${name}](/reference/schemas.md#${name.toLowerCase()})`;
  }
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(' or ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'object' && !schema.properties && schema.additionalProperties?.type)
    return `map of ${typeOf(schema.additionalProperties)}`;
  const { minimum, exclusiveMinimum, maximum, minLength, maxLength, format } = schema;
  const lower =
    minimum === undefined ? (exclusiveMinimum === undefined ? '' : `> ${exclusiveMinimum}`) : `≥ ${minimum}`;
  const bounds = [
    lower,
    maximum === undefined ? '' : `≤ ${maximum}`,
    maxLength ? `${minLength ?? 0} to ${maxLength} long` : '',
  ];
  return [[schema.type ?? 'any'].flat().join(' or '), format, ...bounds].filter(Boolean).join(', ');
}

function exampleOf(schema) {
  return (schema.$ref ? resolve(schema) : schema).examples?.[0];
}

function resolve(value) {
  if (value.$ref === undefined) return value;
  return value.$ref
    .slice(2)
    .split('/')
    .reduce((found, name) => found[name], api);
}

function table(heads, rows) {
  const cell = (text) =>
    String(text)
      .replaceAll('|', '\\|')
      .replaceAll(/\s*\n\s*/g, ' ');
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
const anchorOf = (operationId) => operationId.toLowerCase();
const titleOf = (tag) => tag[0].toUpperCase() + tag.slice(1);
