// A list at the root: it is fetched again by the query itself.
import { graphql } from 'react-relay';

export const actors = graphql`
  fragment Actors_list on Query
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 20 }
    cursor: { type: "Cursor" }
    filter: { type: "ActorFilter" }
  )
  @refetchable(queryName: "ActorsListQuery") {
    actors(first: $count, after: $cursor, filter: $filter) @connection(key: "Actors_actors") {
      edges { node { id ...Actors_row } }
    }
  }
`;

export const row = graphql`
  fragment Actors_row on Actor @refetchable(queryName: "ActorsRowQuery") {
    name
    kind
    meetings(first: 3) { edges { role node { name startsOn } } }
  }
`;

export const page = graphql`
  query ActorsQuery($filter: ActorFilter) {
    ...Actors_list @arguments(filter: $filter)
  }
`;
