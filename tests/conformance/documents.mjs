// Sends documents, valid and invalid, and compares the server's verdict with that of graphql-js, which parses and
// validates them with the introspected schema: node documents.mjs URL
import { buildClientSchema, parse, validate } from 'graphql';
import { request, introspect } from './request.mjs';
import { documents, stricter } from './documents/index.mjs';

const url = process.argv[2];
const schema = buildClientSchema(await introspect(url));

// 'syntax' and 'validation' are the stages that refuse a document; null is a document that both accept.
function expected(text) {
  let document;
  try {
    document = parse(text);
  } catch ({ locations }) {
    return { stage: 'syntax', locations };
  }
  const errors = validate(schema, document);
  // A server need not parse definitions of types.
  if (errors.some(({ message }) => message.endsWith('definition is not executable.'))) return { stage: 'syntax' };
  return { stage: errors.length > 0 ? 'validation' : null, why: errors[0]?.message };
}

const stages = { GRAPHQL_PARSE_FAILED: 'syntax', GRAPHQL_VALIDATION_FAILED: 'validation' };

async function judged(text) {
  const { errors = [] } = await request(url, text);
  const code = errors[0]?.extensions.code;
  // A limit or a failure is no verdict.
  if (code === 'LIMIT_EXCEEDED' || code === 'INTERNAL') throw new Error(`${code}: ${text}`);
  return { stage: stages[code] ?? null, locations: errors[0]?.locations, why: errors[0]?.message };
}

const counts = { null: 0, syntax: 0, validation: 0 };
let differences = 0;
for (const text of documents) {
  const [theirs, ours] = [expected(text), await judged(text)];
  counts[theirs.stage] += 1;
  const places = theirs.locations ? [theirs.locations, ours.locations].map((at) => JSON.stringify(at)) : [];
  if (theirs.stage !== ours.stage || places[0] !== places[1]) {
    differences += 1;
    console.log(`${JSON.stringify(text)}\n  graphql-js: ${JSON.stringify(theirs)}\n  the server: ${JSON.stringify(ours)}`);
  }
}
for (const text of stricter) {
  const ours = await judged(text);
  if (ours.stage !== 'validation') {
    differences += 1;
    console.log(`${JSON.stringify(text)}\n  the specification refuses it, the server: ${JSON.stringify(ours)}`);
  }
}
console.log(`${documents.length} documents, of which graphql-js takes ${counts.null}, and refuses ${counts.syntax} for `
  + `their syntax and ${counts.validation} by a rule; the server judges ${differences} otherwise`);
// There are enough of both verdicts.
process.exit(differences === 0 && Object.values(counts).every((count) => count >= 40) ? 0 : 1);
