import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { Kind, parse, print } from 'graphql';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

import { chosenKey, onKeyChosen } from './key.js';

// The page may be served below any path: GraphQL lies beside it.
const url = new URL('graphql', document.baseURI).href;
const send = createGraphiQLFetcher({
  url,
  subscriptionUrl: url.replace(/^http/, 'ws'),
  headers: { accept: 'application/graphql-response+json, application/json' },
  enableIncrementalDelivery: false,
});

// Right after a change of tabs GraphiQL may still have the operation of the tab before: what counts is the text.
const asWritten = (request, options) => {
  try {
    const documentAST = parse(request.query);
    const operations = documentAST.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    const named = operations.find(({ name }) => name?.value === request.operationName);
    const operation = named ?? (operations.length === 1 ? operations[0] : undefined);
    const operationName = operation ? operation.name?.value : request.operationName;
    return [{ ...request, operationName }, { ...options, documentAST }];
  } catch {
    return [request, options];
  }
};

// All tabs send the key of the page, over HTTP and WebSocket alike, unless a tab has an authorization header.
const withKey = (key) => (...sent) => {
  const [request, options] = asWritten(...sent);
  const headers = options?.headers ?? {};
  const isGiven = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  const authorization = key && !isGiven ? { authorization: `Bearer ${key}` } : {};
  return send(request, { ...options, headers: { ...authorization, ...headers } });
};

// Commands in the examples name the address of this server.
const examples = import.meta.glob('../../examples/*.graphql', { query: '?raw', import: 'default', eager: true });
const defaultTabs = Object.keys(examples)
  .sort()
  .map((path) => ({ query: examples[path].replaceAll('http://127.0.0.1:8000', location.origin) }));

// The explorer links here with the query of a view and its variables, which open in a tab of their own: besides the
// stored tabs, or before the examples.
const given = new URLSearchParams(location.hash.slice(1));
const linked = given.has('query') && { query: print(parse(given.get('query'))), variables: given.get('variables') ?? '' };
const opened = linked ? { initialQuery: linked.query, initialVariables: linked.variables } : {};

// Headers are not stored: they may hold a key. GraphiQL takes stored tabs only if they have `headers`, so it is null.
const withoutHeaders = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), (name, value) => (name === 'headers' ? null : value));
  } catch {
    return text;
  }
};
const storage = {
  getItem: (name) => localStorage.getItem(name),
  setItem: (name, text) => localStorage.setItem(name, withoutHeaders(text)),
  removeItem: (name) => localStorage.removeItem(name),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};

// Another key may see another schema: the documentation is loaded again.
const root = createRoot(document.getElementById('graphiql'));
const show = (key) =>
  root.render(
    createElement(GraphiQL, {
      key,
      fetcher: withKey(key),
      defaultTabs: linked ? [linked, ...defaultTabs] : defaultTabs,
      ...opened,
      plugins: [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })],
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
      storage,
    }),
  );

onKeyChosen(url, show);
show(chosenKey());
