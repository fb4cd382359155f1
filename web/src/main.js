import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

// The page may be served below any path: GraphQL lies beside it.
const endpoint = new URL('graphql', document.baseURI).href;

const fetcher = async (parameters, { headers } = {}) => {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(parameters),
  });
  return response.json();
};

const examples = import.meta.glob('../examples/*.graphql', { query: '?raw', import: 'default', eager: true });
const defaultTabs = Object.keys(examples)
  .sort()
  .map((path) => ({ query: examples[path] }));

createRoot(document.getElementById('graphiql')).render(
  createElement(GraphiQL, {
    fetcher,
    defaultTabs,
    plugins: [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })],
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
