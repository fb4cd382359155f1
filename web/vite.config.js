import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

// The manifest of the explorer's documents, for the server.
const manifest = {
  name: 'manifest',
  generateBundle() {
    const source = readFileSync('src/explorer/api/documents.json', 'utf8');
    this.emitFile({ type: 'asset', fileName: 'documents.json', source });
  },
};

// The server holds the page compressed, as nearly every browser asks for it.
const compressed = {
  name: 'compressed',
  writeBundle({ dir }) {
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      rmSync(file);
    }
  },
};

// A server replaces the base of each address; `npm run dev` serves all of them from the root.
const base = {
  name: 'base',
  apply: 'serve',
  transformIndexHtml: (html) => html.replace('<base href="./" />', '<base href="/" />'),
};

const server = process.env.DOSSIER ?? 'http://127.0.0.1:8000';

export default defineConfig({
  base: './',
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    chunkSizeWarningLimit: 8000,
    assetsInlineLimit: 0,
    rolldownOptions: { input: { index: 'index.html', graphiql: 'graphiql.html' } },
  },
  plugins: [manifest, compressed, base],
  // Its development server serves the explorer only.
  optimizeDeps: { entries: ['index.html'] },
  server: { proxy: { '/graphql': { target: server, ws: true }, '/export': server, '/schema.graphql': server } },
});
