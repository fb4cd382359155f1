// How the scripts ask a server.
import { getIntrospectionQuery } from 'graphql';

export async function ask(url, query, variables) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

// All that introspection tells but the schema's own description: the library behind the server gives
// that of the type `__Schema` in its place.
export async function introspect(url) {
  const everything = { specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true, oneOf: true };
  const { data, errors } = await ask(url, getIntrospectionQuery(everything));
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
