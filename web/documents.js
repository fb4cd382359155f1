// Reads the explorer's documents, `src/explorer/**/*.graphql`, and writes what they give and take as TypeScript, and the
// manifest by which a server knows them: their texts under their SHA-256.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import { Kind, buildASTSchema, parse, print, stripIgnoredCharacters, validate, visit } from 'graphql';

const schema = parse(readFileSync('../schema.graphql', 'utf8'));
const FOLDER = 'src/explorer';
const files = readdirSync(FOLDER, { recursive: true }).filter((file) => file.endsWith('.graphql')).sort();
const document = parse(files.map((file) => readFileSync(join(FOLDER, file), 'utf8')).join('\n'));

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
  const value = `{ hash: '${hash}', name: '${name.value}', operation: '${operation}' }`;
  code += `export const ${name.value}: Document<${type}, ${type}Variables> = ${value};\n`;
}
writeFileSync(join(FOLDER, 'api/documents.ts'), code);
writeFileSync(join(FOLDER, 'api/documents.json'), JSON.stringify(manifest));
