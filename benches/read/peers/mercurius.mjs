// Mercurius, with its loaders and its compiler of queries.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import * as data from './by-hand.mjs';
import { withTwoWorkers } from './workers.mjs';

const loader = (load, key) => (queries) =>
  load(queries.map(({ obj }) => obj[key]), queries[0].params.first);

withTwoWorkers(async (port) => {
  const app = Fastify();
  app.register(mercurius, {
    schema: data.typeDefs,
    jit: 1,
    resolvers: {
      Query: {
        actor: (_, { id }) => data.actor(id),
        meetings: (_, { first, after }) => data.meetings(first, after),
        statementsOf: (_, { speaker, first }) => data.statementsOf(speaker, first),
        search: (_, { search, first }) => data.search(search, first),
      },
    },
    loaders: {
      Meeting: {
        participants: { loader: loader(data.participantsOf, 'id'), opts: { cache: false } },
        statements: { loader: loader(data.statementsAt, 'id'), opts: { cache: false } },
      },
      Statement: {
        speaker: { loader: loader(data.actors, 'speaker_id'), opts: { cache: false } },
        topics: { loader: loader(data.topicsOf, 'id'), opts: { cache: false } },
      },
    },
  });
  await app.listen({ port, host: '127.0.0.1' });
});
