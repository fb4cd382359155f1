// Follows changes with graphql-ws: node websocket.mjs URL KEY
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { run, follow } from './follow.mjs';

const [url, key] = process.argv.slice(2);
const client = createClient({
  url: url.replace('http', 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${key}` },
  retryAttempts: 0,
});
await follow(client, (request) => run(client, request));

// A wrong operation gets errors, not a result.
const refused = await run(client, { query: '{ nothing }' }).then(
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
const closed = await run(wrong, { query: '{ topics { totalCount } }' }).then(
  () => null,
  (event) => event,
);
if (closed?.code !== 4403) throw new Error(`a wrong key: ${closed?.code} ${closed?.reason}`);
console.log('graphql-ws received every change');
process.exit(0);
