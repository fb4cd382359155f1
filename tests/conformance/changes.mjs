// Lists what breaks clients between two schemas, by graphql-inspector: node changes.mjs OLD NEW
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [before, after] = process.argv.slice(2).map((file) => buildSchema(readFileSync(file, 'utf8')));
const changes = await diff(before, after);
const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
for (const { path, message } of breaking) console.log(`${path}: ${message}`);
console.log(`${breaking.length} of ${changes.length} changes break clients`);
process.exit(breaking.length === 0 ? 0 : 1);
