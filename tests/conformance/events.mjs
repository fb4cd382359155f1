// Follows changes with graphql-sse: node events.mjs URL KEY
import { createClient } from 'graphql-sse';
import { run, follow } from './follow.mjs';

const [url, key] = process.argv.slice(2);
const client = createClient({ url, headers: { authorization: `Bearer ${key}` }, retryAttempts: 0 });
await follow(client, (request) => run(client, request));
const { errors } = await run(client, { query: '{ nothing }' });
if (errors?.[0]?.extensions?.code !== 'GRAPHQL_VALIDATION_FAILED') throw new Error(JSON.stringify(errors));
client.dispose();
console.log('graphql-sse received every change');
process.exit(0);
