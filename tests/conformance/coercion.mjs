// Gives a server variables of every input type, fitting and not, and compares its judgement with that
// of graphql-js: node coercion.mjs URL
import {
  GraphQLError, buildClientSchema, getNamedType, getNullableType, getVariableValues, isEnumType,
  isInputObjectType, isListType, isScalarType, isSpecifiedScalarType, parse,
} from 'graphql';
import { ask, introspect } from './ask.mjs';

const url = process.argv[2];
const schema = buildClientSchema(await introspect(url));

// What a scalar of ours takes is not part of introspection. It is text, where nothing else is said.
const isText = (value) => typeof value === 'string';
const takes = {
  DateTime: (value) => isText(value) && /^\d{4}-\d\d-\d\dT/.test(value),
  PartialDate: (value) => isText(value) && /^\d{4}(-\d\d){0,2}$/.test(value),
  RevisionNumber: (value) => Number.isInteger(value) && value >= 0,
};
for (const scalar of Object.values(schema.getTypeMap())) {
  if (!isScalarType(scalar) || isSpecifiedScalarType(scalar)) continue;
  scalar.parseValue = (value) => {
    if ((takes[scalar.name] ?? isText)(value)) return value;
    throw new GraphQLError(`It is not a ${scalar.name}.`);
  };
}

// A document for each type that a variable can be declared to have: the type as it stands at the
// nearest place that takes it, and the same without null.
const documents = new Map();
const places = Object.values(schema.getQueryType().getFields()).flatMap((field) =>
  field.args.map(({ name, type }) => ({ type, write: (value) => `${field.name}(${name}: ${value})` })));
const entered = new Set();
for (const { type, write } of places) {
  for (const declared of [`${type}`, `${getNullableType(type)}!`]) {
    if (!documents.has(declared)) {
      documents.set(declared, { type, text: `query($v: ${declared}) { ${write('$v')} { __typename } }` });
    }
  }
  const object = getNamedType(type);
  if (!isInputObjectType(object) || entered.has(object)) continue;
  entered.add(object);
  for (const { name, type: inner } of Object.values(object.getFields())) {
    places.push({ type: inner, write: (value) => write(`{ ${name}: ${value} }`) });
  }
}

function valuesFor(type) {
  const values = [
    undefined, null, true, 0, -1, 1.5, 2 ** 31, '', 'a', '1', '2026-02', '2026-02-19T16:30:00Z',
    [], [null], ['a'], [1], [[]], {}, { nothing: 1 },
  ];
  const named = getNamedType(type);
  if (isEnumType(named)) {
    const [{ name }] = named.getValues();
    values.push(name, name.toLowerCase(), [name], [name, null], [name, 'a']);
  }
  if (isInputObjectType(named)) {
    const fields = Object.keys(named.getFields());
    values.push({ [fields[0]]: 'a', [fields[1]]: 'a' });
    for (const field of fields) {
      for (const value of [null, 1, 'a', [null], {}, { nothing: 1 }]) values.push({ [field]: value });
    }
  }
  return isListType(getNullableType(type)) ? [...values, ...values.slice(1).map((value) => [value])] : values;
}

// A value that coerces may still be refused for what it says, such as a page of 1000, but then not
// under the variable's name.
const counted = { taken: 0, refused: 0 };
async function compare({ type, text }) {
  const { variableDefinitions } = parse(text).definitions[0];
  for (const v of valuesFor(type)) {
    const fits = getVariableValues(schema, variableDefinitions, { v }).errors === undefined;
    const { errors: [{ message, extensions } = {}] = [] } = await ask(url, text, { v });
    const refused = extensions?.code === 'BAD_USER_INPUT' && /^\$v\b/.test(extensions.field);
    const understood = ['BAD_USER_INPUT', undefined].includes(extensions?.code);
    counted[fits ? 'taken' : 'refused'] += 1;
    if (fits === refused || !understood) {
      process.exitCode = 1;
      console.log(`${text} with ${JSON.stringify(v)}: ${message ?? 'taken'}`);
    }
  }
}
await Promise.all([...documents.values()].map(compare));
console.log(`${documents.size} types, ${counted.taken} values that fit and ${counted.refused} that do not`);
if (counted.taken === 0 || counted.refused === 0) process.exitCode = 1;
