// Follows changes with graphql-ws: node websocket.mjs URL KEY
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { ask, follow } from './follow.mjs';

const [url, key] = process.argv.slice(2);
const client = createClient({
  url: url.replace('http', 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${key}` },
  retryAttempts: 0,
});
await follow(client, (request) => ask(client, request));

// What is wrong is told as errors, not as a result.
const refused = await ask(client, { query: '{ nothing }' }).then(
  () => null,
  (errors) => errors,
);
if (refused?.[0]?.extensions?.code !== 'GRAPHQL_VALIDATION_FAILED') throw new Error(JSON.stringify(refused));
await client.dispose();

const wrong = createClient({
  url: url.replace('http', 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { authorization: 'Bearer wrong' },
  retryAttempts: 0,
  shouldRetry: () => false,
});
const closed = await ask(wrong, { query: '{ topics { totalCount } }' }).then(
  () => null,
  (event) => event,
);
if (closed?.code !== 4403) throw new Error(`a wrong key: ${closed?.code} ${closed?.reason}`);
console.log('graphql-ws was told everything');
process.exit(0);
