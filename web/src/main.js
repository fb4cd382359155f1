import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

// The page may be served below any path: GraphQL lies beside it. What is told as it happens comes over a
// socket, which is shown the headers as a request is.
const url = new URL('graphql', document.baseURI).href;
const fetcher = createGraphiQLFetcher({
  url,
  subscriptionUrl: url.replace(/^http/, 'ws'),
  headers: { accept: 'application/graphql-response+json, application/json' },
  enableIncrementalDelivery: false,
});

const examples = import.meta.glob('../examples/*.graphql', { query: '?raw', import: 'default', eager: true });
const defaultTabs = Object.keys(examples)
  .sort()
  .map((path) => ({ query: examples[path] }));

// A key doesn't outlive its tab: GraphiQL's history would keep the headers in the browser.
const withoutHeaders = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), (name, value) => (name === 'headers' ? undefined : value));
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

createRoot(document.getElementById('graphiql')).render(
  createElement(GraphiQL, {
    fetcher,
    defaultTabs,
    plugins: [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })],
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    storage,
  }),
);
