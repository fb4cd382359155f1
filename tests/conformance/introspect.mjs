// Reads a server's schema with graphql-js and compares it with a file: node introspect.mjs URL FILE
import { readFileSync } from 'node:fs';
import { buildClientSchema, buildSchema, lexicographicSortSchema, printSchema, validateSchema } from 'graphql';
import { introspect } from './request.mjs';

const [url, file] = process.argv.slice(2);
const schema = buildClientSchema(await introspect(url));
const faults = validateSchema(schema).map(({ message }) => message);

const lines = (schema) => printSchema(lexicographicSortSchema(schema)).split('\n');
const [found, wanted] = [lines(schema), lines(buildSchema(readFileSync(file, 'utf8')))];
const longer = found.length > wanted.length ? found : wanted;
const at = longer.findIndex((_, line) => found[line] !== wanted[line]);
if (at >= 0) faults.push(`introspection tells \`${found[at]}\` where ${file} has \`${wanted[at]}\``);

for (const fault of faults) console.log(fault);
console.log(`${Object.keys(schema.getTypeMap()).length} types, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
