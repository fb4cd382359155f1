// PostGraphile 5 as it comes, with its names of version 4, which are the plainest.
import { createServer } from 'node:http';
import { grafserv } from 'postgraphile/grafserv/node';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { makeV4Preset } from 'postgraphile/presets/v4';
import { PgAggregatesPreset } from '@graphile/pg-aggregates';
import { withTwoWorkers } from './workers.mjs';

withTwoWorkers(async (port) => {
  const { PGHOST, PGUSER, PGDATABASE, DATABASE_URL, AGGREGATES } = process.env;
  const connectionString = AGGREGATES ? DATABASE_URL : `postgres://${PGUSER}@localhost/${PGDATABASE}?host=${PGHOST}`;
  const preset = {
    extends: [PostGraphileAmberPreset, makeV4Preset({ simpleCollections: 'omit' }), ...(AGGREGATES ? [PgAggregatesPreset] : [])],
    pgServices: [makePgService({ connectionString, schemas: ['public'], poolConfig: { max: 4 } })],
    grafserv: { graphqlPath: '/graphql', graphiql: false, websockets: false },
    grafast: { explain: false },
  };
  const serv = postgraphile(preset).createServ(grafserv);
  const server = createServer();
  await serv.addTo(server);
  server.listen(port, '127.0.0.1');
});
