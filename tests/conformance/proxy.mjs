// Sends a query through Vite's proxy, as docs/clients.md configures it: node proxy.mjs
import { createServer } from 'vite';

const server = await createServer({
  configFile: './vite.config.mjs',
  cacheDir: './.vite',
  logLevel: 'silent',
  server: { port: 0, host: '127.0.0.1' },
});
await server.listen();
const { port } = server.httpServer.address();
const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: '{ actor(by: { slug: "kazakhstan" }) { name } }' }),
});
console.log((await response.json()).data.actor.name);
process.exit(0);
