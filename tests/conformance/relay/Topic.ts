// A page as a frontend with Relay has it: a list that grows, and a record that is fetched again.
import { graphql } from 'react-relay';

export const page = graphql`
  query TopicQuery($slug: String!) {
    topic(by: { slug: $slug }) {
      name
      ...Topic_statements
      ...Topic_positions
    }
  }
`;

// A connection that is paged through the record's own global id, by a query that Relay writes.
export const statements = graphql`
  fragment Topic_statements on Topic
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "Cursor" })
  @refetchable(queryName: "TopicStatementsQuery") {
    statements(first: $count, after: $cursor, orderBy: DATE_DESC) @connection(key: "Topic_statements") {
      edges {
        node {
          id
          summary
          saidOn
          speaker { name }
        }
      }
    }
  }
`;

// A connection in both directions, with what only this page asks of it.
export const positions = graphql`
  fragment Topic_positions on Topic
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "Cursor" }
    last: { type: "Int" }
    before: { type: "Cursor" }
  )
  @refetchable(queryName: "TopicPositionsQuery") {
    positions(first: $first, after: $after, last: $last, before: $before)
    @connection(key: "Topic_positions", filters: []) {
      __id
      totalCount
      edges {
        cursor
        node {
          stance
          holder { name }
          evidence {
            __typename
            ... on Statement { quote }
            ... on Commentary { summary }
          }
        }
      }
    }
  }
`;

// Any record by its id, for whoever holds nothing else.
export const record = graphql`
  query TopicRecordQuery($id: ID!) {
    node(id: $id) {
      __typename
      ... on Record @alias(as: "record") { slug }
      ...Topic_statements @alias(as: "topic")
    }
  }
`;
