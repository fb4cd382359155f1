// Reads the explorer's documents, `src/explorer/**/*.graphql`, and writes what they give and take as TypeScript, and the
// manifest by which a server knows them: their texts under their SHA-256. Adds the mutations that save and delete records,
// which are alike for all types, and what their inputs take, from which forms are made.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import { Kind, buildASTSchema, parse, print, stripIgnoredCharacters, validate, visit } from 'graphql';

const schema = parse(readFileSync('../schema.graphql', 'utf8'));
const FOLDER = 'src/explorer';
const files = readdirSync(FOLDER, { recursive: true }).filter((file) => file.endsWith('.graphql')).sort();

const saves = schema.definitions
  .find(({ name }) => name?.value === 'Mutation')
  .fields.map(({ name }) => name.value.match(/^(create|update|delete)([A-Z]\w*)$/))
  .filter(Boolean);
const types = saves.filter(([, action]) => action === 'create').map(([, , type]) => type);

/** The document of a mutation that saves or deletes a record. */
function mutation([field, action, type]) {
  const name = action[0].toUpperCase() + action.slice(1) + type;
  const record = action === 'delete' ? '' : `record: ${type[0].toLowerCase()}${type.slice(1)} { ...RecordRef }`;
  return `mutation ${name}($input: ${name}Input!) {
    saved: ${field}(input: $input) { ${record} revision userErrors { ...Saved } }
  }`;
}

const texts = files.map((file) => readFileSync(join(FOLDER, file), 'utf8'));
const document = parse([...texts, ...saves.map(mutation)].join('\n'));

const invalid = validate(buildASTSchema(schema), document);
if (invalid.length > 0) throw new Error(invalid.map(String).join('\n\n'));

const fragments = new Map(
  document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).map((one) => [one.name.value, one]),
);

/** An operation and all fragments that it spreads, each once. */
function withFragments(operation) {
  const found = new Set([operation]);
  for (const definition of found) {
    visit(definition, { FragmentSpread: ({ name }) => void found.add(fragments.get(name.value)) });
  }
  return [...found].map(print).join('\n\n');
}

const manifest = {};
let code = await codegen({
  filename: 'documents.ts',
  schema,
  documents: [{ document }],
  plugins: [{ operations: {} }],
  pluginMap: { operations },
  config: {
    enumType: 'string-literal',
    strictScalars: true,
    scalars: {
      Cursor: 'string',
      DateTime: 'string',
      Decimal: 'string',
      PartialDate: 'string',
      RevisionNumber: 'number',
      URL: 'string',
    },
  },
});
code += "\n\nimport type { Document } from './document';\n";
for (const definition of document.definitions) {
  if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
  const { operation, name } = definition;
  const text = stripIgnoredCharacters(withFragments(definition));
  const hash = createHash('sha256').update(text).digest('hex');
  manifest[hash] = text;
  const type = name.value + operation[0].toUpperCase() + operation.slice(1);
  // Sockets take no hashes.
  const own = operation === 'subscription' ? `, text: '${text}'` : '';
  const value = `{ hash: '${hash}', name: '${name.value}', operation: '${operation}'${own} }`;
  code += `export const ${name.value}: Document<${type}, ${type}Variables> = ${value};\n`;
}
const alike = types.map((type) => `  ${type}: { create: Create${type}, update: Update${type}, delete: Delete${type} },\n`);
code += `export const saves = {\n${alike.join('')}};\n`;

// What forms may enter: the types of the fields of each record type and of what it lists, and the values of enums.
const inputs = {};
const values = {};
const isInput = ({ name }) => name?.value.endsWith('Input');
const used = new Set(
  schema.definitions.filter(isInput).flatMap(({ fields }) => fields.map(({ type }) => print(type).replace(/\W/g, ''))),
);
for (const { kind, name, fields, values: named } of schema.definitions) {
  if (kind === Kind.ENUM_TYPE_DEFINITION && used.has(name.value)) values[name.value] = named.map(({ name }) => name.value);
  if (kind !== Kind.INPUT_OBJECT_TYPE_DEFINITION) continue;
  const [, action, type] = /^(Create)?(\w+)Input$/.exec(name.value) ?? [];
  if (action ? !types.includes(type) : !used.has(name.value)) continue;
  inputs[type] = Object.fromEntries(fields.map(({ name, type }) => [name.value, print(type)]));
}
writeFileSync(join(FOLDER, 'api/documents.ts'), code);
writeFileSync(join(FOLDER, 'api/documents.json'), JSON.stringify(manifest));
writeFileSync(join(FOLDER, 'api/documents.inputs.json'), JSON.stringify({ inputs, values }));
