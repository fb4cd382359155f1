// Requests to the server under test.
import { getIntrospectionQuery } from 'graphql';

export async function request(url, query, variables) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

// Everything of introspection except the schema's own description: the server's library returns that of the type
// `__Schema` instead.
export async function introspect(url) {
  const everything = { specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true, oneOf: true };
  const { data, errors } = await request(url, getIntrospectionQuery(everything));
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
