// Lists what breaks clients between two schemas, by graphql-inspector: node changes.mjs OLD NEW
// Deprecated parts of OLD may be removed after the date at the end of the reason.
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [before, after] = process.argv.slice(2).map((file) => buildSchema(readFileSync(file, 'utf8')));
const changes = await diff(before, after);

/** Whether the old schema deprecated this path until a day that is past. */
const wasAnnounced = (path) => {
  const [typeName, name, argument] = path.split('.');
  const type = before.getType(typeName);
  const member = type?.getFields?.()[name] ?? type?.getValue?.(name);
  const removed = argument ? member?.args?.find((each) => each.name === argument) : member;
  const until = removed?.deprecationReason?.match(/Removed after (\d{4}-\d{2}-\d{2})\.$/)?.[1];
  return until !== undefined && until < new Date().toISOString().slice(0, 10);
};

// Decided with a reason in CHANGELOG.md: what may be null since.
const mayBeNull = ['Statement.speaker'];
const isDecided = ({ type, path }) => type === 'FIELD_TYPE_CHANGED' && mayBeNull.includes(path);

const removals = ['FIELD_REMOVED', 'FIELD_ARGUMENT_REMOVED', 'INPUT_FIELD_REMOVED', 'ENUM_VALUE_REMOVED'];
const breaks = (change) =>
  change.criticality.level === CriticalityLevel.Breaking &&
  !isDecided(change) &&
  !(removals.includes(change.type) && wasAnnounced(change.path));
const breaking = changes.filter(breaks);
for (const { path, message } of breaking) console.log(`${path}: ${message}`);
console.log(`${breaking.length} of ${changes.length} changes break clients`);
process.exit(breaking.length === 0 ? 0 : 1);
