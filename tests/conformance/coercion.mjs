// Sends variables of every input type, valid and invalid, and compares the server's verdict with that of graphql-js: node coercion.mjs URL
import {
  GraphQLError, astFromValue, buildClientSchema, execute, getNamedType, getNullableType, isEnumType,
  isInputObjectType, isListType, isRequiredInputField, isScalarType, isSpecifiedScalarType, parse, print,
  validate,
} from 'graphql';
import { request, introspect } from './request.mjs';

const url = process.argv[2];
const schema = buildClientSchema(await introspect(url));

// Introspection does not say what a custom scalar accepts. Default: text.
const isText = (value) => typeof value === 'string';
const takes = {
  DateTime: (value) => isText(value) && /^\d{4}-\d\d-\d\dT/.test(value),
  Decimal: (value) => /^-?\d{1,20}(\.\d{1,10})?$/.test(isText(value) || typeof value === 'number' ? `${value}` : ''),
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

// Every input type, each with the nearest argument that accepts it.
const places = new Map();
const reached = Object.values(schema.getQueryType().getFields()).flatMap((field) =>
  field.args.map(({ name, type }) => [type, (value) => `${field.name}(${name}: ${value}) { __typename }`]));
reached.push([schema.getDirective('skip').args[0].type, (value) => `node(id: "a") @skip(if: ${value}) { __typename }`]);
const entered = new Set();
for (const [type, write, isAlone] of reached) {
  if (!places.has(`${type}`)) places.set(`${type}`, { type, write, isAlone });
  const object = getNamedType(type);
  if (!isInputObjectType(object) || entered.has(object)) continue;
  entered.add(object);
  const fields = Object.values(object.getFields());
  for (const field of fields) {
    // If other fields are required too, this one alone proves nothing.
    if (fields.some((other) => other !== field && isRequiredInputField(other))) continue;
    reached.push([field.type, (value) => write(`{ ${field.name}: ${value} }`), object.isOneOf]);
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

// Whether graphql-js accepts a value for the variable. This schema has no resolvers, so errors of the data are ignored.
function fits(document, v) {
  const variableValues = v === undefined ? {} : { v };
  const { errors = [] } = execute({ schema, document, variableValues });
  return !errors.some(({ message }) => /^(Argument|Variable) /.test(message));
}

// Compares whether a document is valid, and which values its variable takes. A value that coerces may
// still be refused for its meaning, such as a page of 1000, but not under the variable's name.
const counted = { documents: 0, invalid: 0, values: 0, wrong: 0 };
async function compare(text, values, isRefused = false) {
  const document = parse(text);
  const isValid = validate(schema, document).length === 0 && !isRefused;
  counted.documents += 1;
  counted.invalid += isValid ? 0 : 1;
  for (const v of isValid ? values : [undefined]) {
    const { errors: [{ message, extensions = {} } = {}] = [] } = await request(url, text, { v });
    const { code, field } = extensions;
    let agrees = code === 'GRAPHQL_VALIDATION_FAILED';
    if (isValid) {
      const isRight = fits(document, v);
      const isWrong = code === 'BAD_USER_INPUT';
      agrees = isRight ? !code || (isWrong && !field?.startsWith('$v')) : isWrong;
      counted.values += 1;
      counted.wrong += isRight ? 0 : 1;
    }
    if (!agrees) {
      process.exitCode = 1;
      console.log(`${text} with ${JSON.stringify(v)}: ${message ?? 'taken'}`);
    }
  }
}

await Promise.all([...places.values()].map(async ({ type, write, isAlone }) => {
  const text = (declared) => `query($v: ${declared}) { ${write('$v')} }`;
  const nullable = getNullableType(type);
  // For oneOf input objects the specification refuses nullable variables; graphql-js 16 accepts them.
  const mayBeNull = (declared) => isAlone && !`${declared}`.endsWith('!');
  for (const declared of [nullable, `${nullable}!`]) {
    await compare(text(declared), valuesFor(type), mayBeNull(declared));
  }
  // Types that are similar to that of the argument, or not.
  for (const declared of [getNamedType(type), `[${nullable}]`, `[${nullable}!]!`, 'Int', 'String']) {
    await compare(text(declared), [undefined], mayBeNull(declared));
  }
  for (const value of [null, 'a', 1, true, ['a'], [1], {}]) {
    if (!fits(parse(text(`${nullable}`)), value)) continue;
    await compare(text(`${nullable} = ${print(astFromValue(value, nullable))}`), [undefined, null], isAlone && value === null);
  }
}));

const { documents, invalid, values, wrong } = counted;
console.log(`${documents} documents, ${invalid} of them invalid; ${values} values, ${wrong} of them wrong`);
if (!invalid || !wrong) process.exitCode = 1;
