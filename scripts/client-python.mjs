// Generates the types and the methods of packages/client-python from openapi.yaml; with --check it only checks whether
// they are up to date. The generators on npm need pydantic and httpx, or Java; the client needs Python alone.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = 'packages/client-python/metaheac_client';
const COLUMNS = 120;
const INDENT = '    ';
const KEYWORDS = new Set(['from', 'import', 'class', 'in', 'is', 'global', 'pass', 'with', 'as', 'not', 'or', 'and']);
/** Agents have clients of their own, and pages are for browsers. */
const OMITTED = new Set(['callMcp', 'listErrorCodes', 'getErrorCode']);
const JSON_TYPE = 'application/json';
/** Containers of responses, and of requests, which a type checker lets hold less than is declared. */
const RECEIVED = { list: 'list', dict: 'dict' };
const SIMPLE = { string: 'str', integer: 'int', number: 'float', boolean: 'bool', null: 'None' };
const SENT = { list: 'Sequence', dict: 'Mapping' };

const { components, info, paths } = parse(readFileSync(join(ROOT, 'openapi.yaml'), 'utf8'));
/** Schema and Python source of each type by its name, those that others contain first. */
const declared = new Map();

for (const [path, wanted] of Object.entries(generate())) {
  if (!process.argv.includes('--check')) writeFileSync(join(ROOT, path), wanted);
  else if (readFileSync(join(ROOT, path), 'utf8') !== wanted) {
    console.error(`${path} is out of date with openapi.yaml: run npm run openapi`);
    process.exitCode = 1;
  } else console.log(`${path} is up to date`);
}

function generate() {
  const note = '# Generated from openapi.yaml by scripts/client-python.mjs: do not edit.';
  const methods = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([verb, operation]) =>
      OMITTED.has(operation.operationId) ? [] : methodsOf(verb.toUpperCase(), path, operation),
    ),
  );
  for (const [name, schema] of Object.entries(components.schemas)) declare(name, schema);
  const types = `${note}
"""Bodies of requests and responses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, Mapping, Sequence, TypedDict

if sys.version_info >= (3, 11):
    from typing import NotRequired
elif TYPE_CHECKING:
    from typing_extensions import NotRequired


${[...declared.values()].map(({ source }) => source).join('\n\n\n')}
`;
  const operations = `${note}
"""One method for each route of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Literal

if TYPE_CHECKING:
    from .types import *  # noqa: F403
from .transport import Body, Stream, Transport

VERSION = "${info.version}"


class Operations(Transport):
    """One method for each route of the API, named after its operation in openapi.yaml."""

${methods.join('\n\n')}
`;
  return { [`${FOLDER}/types.py`]: types, [`${FOLDER}/operations.py`]: operations };
}

/** The methods of an operation: its JSON, its other formats as a stream, and its items page by page. */
function methodsOf(verb, path, operation) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameters.find((p) => p.name === name));
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  const headers = parameters.filter(({ name }) => ['idempotency-key', 'if-match'].includes(name.toLowerCase()));
  const body = bodyOf(operation);
  const [[status, success]] = Object.entries(operation.responses).filter(([code]) => code.startsWith('2'));
  const content = success.content ?? {};
  const streamed = Object.keys(content).filter((type) => type !== JSON_TYPE);
  const result = content[JSON_TYPE] ? nameOf(content[JSON_TYPE].schema) : 'None';
  const name = snake(operation.operationId);
  const required = [
    ...inPath.map((parameter) => `${identifier(parameter.name)}: ${typeOfParameter(parameter)}`),
    ...(body ? [`body: ${body.type}`] : []),
  ];
  const optional = [...inQuery, ...headers].map(
    (parameter) => `${identifier(parameter.name)}: ${typeOfParameter(parameter)} | None = None`,
  );
  const typed = body && body.types.length > 1 ? [`content_type: ${literal(body.types)} = "${JSON_TYPE}"`] : [];
  const passed = [
    ...dictionary('path', inPath),
    ...dictionary('query', inQuery),
    ...dictionary('headers', headers),
    ...(body ? ['body=body'] : []),
    ...(typed.length > 0 ? ['content_type=content_type'] : []),
    // the only requests that must not be sent twice: they create something, and take no idempotency key
    ...(verb === 'POST' && status === '201' && headers.length === 0 ? ['is_repeatable=False'] : []),
  ];
  const text = documentation(operation, [...inPath, ...inQuery, ...headers]);
  const call = (method, more = []) =>
    fill(`return self.${method}(`, [`"${verb}"`, `"${path}"`, ...passed, ...more], ')', 2);
  const methods = [];
  if (content[JSON_TYPE] || streamed.length === 0)
    methods.push(method(name, required, [...optional, ...typed], result, text, call('_call')));
  if (streamed.length > 0) {
    const accept = streamed.length > 1 || content[JSON_TYPE] ? streamed : [];
    methods.push(
      method(
        content[JSON_TYPE] ? `${name}_stream` : name,
        required,
        [...optional, ...(accept.length > 0 ? [`accept: ${literal(accept)} = "${accept[0]}"`] : [])],
        'Stream',
        [`${text[0].slice(0, -1)}, as a stream. Close it, or use it in a \`with\` statement.`, ...text.slice(1)],
        call('_stream', [accept.length > 0 ? 'accept=accept' : `accept="${streamed[0]}"`]),
      ),
    );
  }
  const page = content[JSON_TYPE] && resolve(content[JSON_TYPE].schema).properties;
  if (page?.next_cursor && inQuery.some((parameter) => parameter.name === 'cursor')) {
    const item = typeOf(page.items.items, `${result}Item`);
    const [ids, more] = [inPath, inQuery].map((list) => list.map((parameter) => identifier(parameter.name)));
    const given = [`self.${name}`, ...ids, ...more.map((key) => `${key}=${key}`)];
    const iterated = `iter_${name.replace(/^(list|get)_/, '')}`;
    const code = fill('return self._items(', given, ')', 2);
    const summary = [`Yield the items of all pages of \`${name}\`.`];
    methods.push(method(iterated, required, optional, `Iterator[${item}]`, summary, code));
  }
  return methods;
}

function method(name, required, keywords, result, text, code) {
  const parameters = ['self', ...required, ...(keywords.length > 0 ? ['*', ...keywords] : [])];
  return [fill(`def ${name}(`, parameters, `) -> ${result}:`, 1), ...docstring(text, 2), code].join('\n');
}

function documentation(operation, parameters) {
  const named = parameters.flatMap(({ name, description }) =>
    description ? [`${identifier(name)}: ${description}`] : [],
  );
  const description =
    operation.description && operation.description !== operation.summary ? ['', operation.description] : [];
  return [`${operation.summary}.`, ...description, ...(named.length > 0 ? ['', ...named] : [])];
}

/** The body of an operation: a TypedDict, or text in one of its other types. */
function bodyOf(operation) {
  if (!operation.requestBody) return null;
  const { content, required } = resolve(operation.requestBody);
  const types = Object.keys(content);
  const type = typeOf(content[JSON_TYPE].schema, nameOf(operation.requestBody), SENT);
  return { type: type + (types.length > 1 ? ' | Body' : '') + (required ? '' : ' | None = None'), types };
}

/** The Python type of a schema; an inline object is declared under `name`. */
function typeOf(schema, name, containers = RECEIVED) {
  if (schema.$ref) return nameOf(schema);
  if ('const' in schema) return literal([schema.const]);
  if (schema.enum) return literal(schema.enum);
  const union = schema.anyOf ?? schema.oneOf;
  if (union) {
    const objects = union.filter((part) => part.properties).length;
    const tagged = (part) => (objects > 1 ? name + pascal(tagOf(part, union)) : name);
    return unionOf(union.map((part) => typeOf(part, tagged(part), containers)));
  }
  if (Array.isArray(schema.type))
    return unionOf(schema.type.map((type) => typeOf({ ...schema, type }, name, containers)));
  switch (schema.type) {
    case 'array':
      return `${containers.list}[${typeOf(schema.items ?? {}, `${name}Item`, containers)}]`;
    case 'object':
      if (!schema.properties)
        return `${containers.dict}[str, ${typeOf(schema.additionalProperties ?? {}, `${name}Value`, containers)}]`;
      declare(name, schema, containers);
      return name;
    default:
      return SIMPLE[schema.type] ?? 'Any';
  }
}

/** What tells an object of a union from the others: the only value of a property, or a property that only it needs. */
function tagOf({ properties = {}, required = [] }, union) {
  const values = Object.values(properties).flatMap((p) =>
    'const' in p ? [p.const] : p.enum?.length === 1 ? p.enum : [],
  );
  const own = required.filter((key) => union.filter((part) => part.required?.includes(key)).length === 1);
  return String([...values, ...own][0]);
}

function declare(name, schema, containers) {
  const known = declared.get(name)?.schema;
  if (known && JSON.stringify(known) !== JSON.stringify(schema)) throw new Error(`two types are called ${name}`);
  if (known) return;
  const declareAs = (source) => declared.set(name, { schema, source });
  if (!schema.properties) return declareAs(`${name} = ${typeOf(schema, name, containers)}`);
  const fields = Object.entries(schema.properties).map(([key, property]) => {
    // the items of a list are named after the list
    const type = typeOf(property, key === 'items' ? name : name + pascal(key), containers);
    const isRequired = schema.required?.includes(key);
    return { key, type: isRequired ? type : `NotRequired[${type}]`, description: property.description };
  });
  const source = fields.every(({ key }) => /^[a-z_]\w*$/i.test(key) && !KEYWORDS.has(key))
    ? [
        `class ${name}(TypedDict):`,
        ...docstring(schema.description, 1),
        ...fields.flatMap(({ key, type, description }) => [annotation(key, type), ...docstring(description, 1)]),
      ]
    : // a key such as `from` cannot be a name of Python
      [
        `${name} = TypedDict(`,
        `${INDENT}"${name}",`,
        `${INDENT}{`,
        ...fields.map(({ key, type }) => `${INDENT.repeat(2)}"${key}": "${type.replaceAll('"', "'")}",`),
        `${INDENT}},`,
        ')',
        ...docstring(schema.description, 0),
      ];
  declareAs(source.join('\n'));
}

function annotation(key, type) {
  const line = `${INDENT}${key}: ${type}`;
  if (line.length <= COLUMNS) return line;
  const [, before, values, after] = /^ *(.*Literal\[)(.*?)(\].*)$/.exec(line);
  return fill(before, values.split(', '), after, 1);
}

function typeOfParameter({ schema, name }) {
  if (schema.enum?.join() === 'true,false') return 'bool';
  return typeOf(schema, pascal(name));
}

function dictionary(name, parameters) {
  if (parameters.length === 0) return [];
  return [`${name}={${parameters.map((p) => `"${p.name}": ${identifier(p.name)}`).join(', ')}}`];
}

/** `before`, the parts and `after`, on one line if they fit, otherwise one part a line. */
function fill(before, parts, after, depth) {
  const indent = INDENT.repeat(depth);
  const line = `${indent}${before}${parts.join(', ')}${after}`;
  if (line.length <= COLUMNS) return line;
  const inner = parts.flatMap((part) => {
    if (indent.length + INDENT.length + part.length < COLUMNS) return [`${indent}${INDENT}${part},`];
    const [, start, middle, end] = /^(.*?[{[])(.*)([}\]].*)$/.exec(part);
    return [fill(start, middle.split(', '), `${end},`, depth + 1)];
  });
  return [`${indent}${before}`, ...inner, `${indent}${after}`].join('\n');
}

function docstring(paragraphs, depth) {
  if (!paragraphs) return [];
  const indent = INDENT.repeat(depth);
  const lines = [paragraphs].flat().flatMap((text) => wrap(text.replaceAll('\\', '\\\\'), COLUMNS - indent.length - 6));
  const [first = '', ...rest] = lines;
  if (rest.length === 0) return [`${indent}"""${first}"""`];
  return [`${indent}"""${first}`, ...rest.map((line) => (line ? indent + line : '')), `${indent}"""`];
}

function wrap(text, columns) {
  return text.split('\n').flatMap((line) => line.match(new RegExp(`\\S.{0,${columns - 1}}(?=\\s|$)`, 'g')) ?? ['']);
}

function resolve(value) {
  return value.$ref ? components[value.$ref.split('/')[2]][nameOf(value)] : value;
}

function nameOf({ $ref }) {
  return $ref.split('/').at(-1);
}

function literal(values) {
  const written = values.map((value) => (typeof value === 'boolean' ? pascal(String(value)) : JSON.stringify(value)));
  return `Literal[${written.join(', ')}]`;
}

function unionOf(types) {
  return [...new Set(types)].join(' | ');
}

function identifier(name) {
  const id = name.toLowerCase().replaceAll('-', '_');
  return KEYWORDS.has(id) ? `${id}_` : id;
}

function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function pascal(name) {
  return name.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter) => letter.toUpperCase());
}
