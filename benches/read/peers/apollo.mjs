// Apollo Server, with a DataLoader for each edge, made anew for each request.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import DataLoader from 'dataloader';
import * as data from './by-hand.mjs';
import { withTwoWorkers } from './workers.mjs';

// The page sizes of one edge are the same throughout a request here.
const pages = (load) => {
  let size;
  const loader = new DataLoader((ids) => load(ids, size), { cache: false });
  return (id, first) => {
    size = first;
    return loader.load(id);
  };
};

const resolvers = {
  Query: {
    actor: (_, { id }) => data.actor(id),
    meetings: (_, { first, after }) => data.meetings(first, after),
    statementsOf: (_, { speaker, first }) => data.statementsOf(speaker, first),
    search: (_, { search, first }) => data.search(search, first),
  },
  Meeting: {
    participants: ({ id }, { first }, { participants }) => participants(id, first),
    statements: ({ id }, { first }, { statements }) => statements(id, first),
  },
  Statement: {
    speaker: ({ speaker_id: id }, _, { actors }) => actors.load(id),
    topics: ({ id }, { first }, { topics }) => topics(id, first),
  },
};

withTwoWorkers((port) =>
  startStandaloneServer(new ApolloServer({ typeDefs: data.typeDefs, resolvers, csrfPrevention: false }), {
    listen: { port, host: '127.0.0.1' },
    context: async () => ({
      participants: pages(data.participantsOf),
      statements: pages(data.statementsAt),
      topics: pages(data.topicsOf),
      actors: new DataLoader(data.actors, { cache: false }),
    }),
  }),
);
